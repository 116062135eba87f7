// The running server: opens an installation, builds the parts and joins them. One thread, the
// loop's.
#pragma once

#include <memory>

#include "coord-server/app/installation.h"
#include "proto/io/loop.h"
#include "proto/log/logger.h"

namespace aya::coord {

class Server {
 public:
  // Everything listens when this returns. The loop and the logger outlive the server.
  static Result<std::unique_ptr<Server>, StartError> start(
      io::Loop& loop, Installation installation, Logger& log);
  // Tells relay clients to come back soon, saves what was only in memory, and closes everything.
  ~Server();

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace aya::coord
