// How far hosts are, by ICMP echo, IPv4 and IPv6. Raw sockets, which the system gives to those only
// who administer the network: without them nobody is asked and nobody answers.
#pragma once

#include <functional>
#include <memory>

#include "proto/base/rng.h"
#include "proto/io/loop.h"
#include "proto/io/socket_options.h"
#include "proto/netaddr/ip_address.h"

namespace aya::io {

class EchoSocket {
 public:
  // `answered` is called from the loop, for the first answer to each question that comes in time.
  using Answered = std::function<void(const IpAddress&, Duration latency)>;

  EchoSocket(
      Loop& loop, Rng& rng, const SocketOptions& options, Duration patience, Answered answered);
  ~EchoSocket();
  EchoSocket(const EchoSocket&) = delete;
  EchoSocket& operator=(const EchoSocket&) = delete;

  void ask(const IpAddress& host);
  bool works(bool v4) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace aya::io
