// Tells when a descriptor that another room owns becomes readable: a TUN device, a netlink socket.
// Level-triggered: called again while unread data waits. An error counts as readable, and reading
// tells which; one that reading does not clear ends the watch. For the rules of lifetime see
// loop.h; the descriptor outlives the watcher.
#pragma once

#include <functional>

#include "proto/io/loop.h"

namespace aya::io {

class FdWatcher {
 public:
  FdWatcher(Loop& loop, int descriptor, std::function<void()> readable);
  ~FdWatcher();
  FdWatcher(const FdWatcher&) = delete;
  FdWatcher& operator=(const FdWatcher&) = delete;

 private:
  struct Impl;
  Impl* impl_;  // freed by libuv's close callback, which comes after the destructor
};

}  // namespace aya::io
