// The administrator's way in: the REST API over a unix socket, whose callers the system vouches
// for. Root and the user the server runs as may do everything; nobody else may anything.
#pragma once

#include <unordered_map>

#include "coord-server/app/coordinator_link.h"
#include "proto/io/http_connection.h"
#include "proto/io/unix_stream.h"

namespace aya::coord {

class AdminSocket {
 public:
  // References outlive the socket.
  static Result<std::unique_ptr<AdminSocket>, io::IoError> open(
      io::Loop& loop, const std::string& path, CoordinatorLink& core);
  ~AdminSocket();

 private:
  class Visitor;

  AdminSocket(io::Loop& loop, CoordinatorLink& core);
  void let_go(Visitor& visitor);

  io::Loop& loop_;
  CoordinatorLink& core_;
  std::unordered_map<Visitor*, std::unique_ptr<Visitor>> visitors_;
  std::unique_ptr<io::UnixListener> listener_;
};

}  // namespace aya::coord
