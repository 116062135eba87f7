// TCP: the connecting side races its candidates, the listening side hands out streams. Streams have
// TCP_NODELAY, keepalive probes after 30 s, and give up when written bytes stay unacknowledged for
// 15 s (nat-traversal 8.4).
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "proto/base/result.h"
#include "proto/io/byte_stream.h"
#include "proto/io/loop.h"
#include "proto/io/socket_options.h"
#include "proto/netaddr/endpoint.h"

namespace aya::io {

struct Connected {
  std::unique_ptr<ByteStream> stream;
  Endpoint local;
  Endpoint remote;
};

// One attempt to reach any of the candidates. They start 200 ms apart (at once when the one before
// fails), families alternating, IPv6 first if the first candidate is; the first that connects wins.
// Destroying the object gives up.
class TcpConnect {
 public:
  using Done = std::function<void(Result<Connected, IoError>)>;

  TcpConnect(
      Loop& loop, std::vector<Endpoint> candidates, const SocketOptions& options, Duration timeout,
      Done done);
  ~TcpConnect();
  TcpConnect(const TcpConnect&) = delete;
  TcpConnect& operator=(const TcpConnect&) = delete;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class TcpListener {
 public:
  using Accepted = std::function<void(Connected)>;

  // Port 0 takes any; see local(). An IPv6 address does not also take IPv4.
  static Result<std::unique_ptr<TcpListener>, IoError> listen(
      Loop& loop, const Endpoint& at, Accepted accepted);
  ~TcpListener();
  TcpListener(const TcpListener&) = delete;
  TcpListener& operator=(const TcpListener&) = delete;

  const Endpoint& local() const;

 private:
  struct Impl;
  explicit TcpListener(Impl* impl);
  Impl* impl_;  // freed by libuv's close callback
};

}  // namespace aya::io
