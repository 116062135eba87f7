// Unix sockets with the credentials of who is at the other end.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "proto/base/result.h"
#include "proto/io/byte_stream.h"
#include "proto/io/loop.h"

namespace aya::io {

struct PeerCredentials {
  uid_t uid;
  gid_t gid;
  pid_t pid;
};

class UnixListener {
 public:
  // Without credentials (the system cannot tell) callers grant no more than reading.
  using Accepted = std::function<void(std::unique_ptr<ByteStream>, std::optional<PeerCredentials>)>;

  // A dead socket file at `path` is replaced; a live one is AddressInUse. The file is removed again
  // by the destructor. `mode` as for chmod: 0666 lets everyone connect.
  static Result<std::unique_ptr<UnixListener>, IoError> listen(
      Loop& loop, const std::string& path, mode_t mode, Accepted accepted);
  ~UnixListener();
  UnixListener(const UnixListener&) = delete;
  UnixListener& operator=(const UnixListener&) = delete;

 private:
  struct Impl;
  explicit UnixListener(Impl* impl);
  Impl* impl_;  // freed by libuv's close callback
};

// Connecting to a local socket needs no waiting.
Result<std::unique_ptr<ByteStream>, IoError> connect_unix(Loop& loop, const std::string& path);

}  // namespace aya::io
