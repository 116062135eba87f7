// The daemon's UDP sockets: IPv4 and IPv6 on the same port, driven in batches. Own non-blocking
// descriptors rather than libuv's UDP handles, which neither batch nor tell the address a datagram
// was sent to.
//
// Nothing here allocates per datagram. What is wrong with one datagram (too big, forbidden by the
// firewall, no route) is counted and does not touch the others: a socket is given up only when the
// system has killed it, and then on_broken() says so (nat-traversal 8.2).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "proto/base/result.h"
#include "proto/io/io_error.h"
#include "proto/io/loop.h"
#include "proto/io/socket_options.h"
#include "proto/netaddr/endpoint.h"
#include "proto/packet/packet_pool.h"

namespace aya::io {

struct UdpReceived {
  Packet packet;
  Endpoint from;
  IpAddress local;  // the address it was sent to: a server answers from there
};

struct UdpSend {
  Bytes bytes;
  Endpoint to;
  IpAddress local;  // leave from this address; unspecified: the system chooses
};

struct UdpOptions {
  std::uint16_t port = 0;  // 0: any, the same for both families where possible
  bool v4 = true;
  bool v6 = true;  // without IPv6 in the system this is quietly off
  // Bind to one address instead of all of its family; the other family is then off.
  std::optional<IpAddress> address;
  SocketOptions socket;
  std::size_t socket_buffer = 7 * 1024 * 1024;
};

struct UdpCounters {
  std::uint64_t received = 0;
  std::uint64_t sent = 0;
  std::uint64_t truncated = 0;    // received, larger than a packet of the pool
  std::uint64_t overflowed = 0;   // dropped by the kernel before we read them
  std::uint64_t too_big = 0;      // EMSGSIZE on send
  std::uint64_t forbidden = 0;    // EPERM: a firewall; treated as loss
  std::uint64_t unreachable = 0;  // no route, or the local address is gone
  std::uint64_t no_buffers = 0;   // ENOBUFS: the system's queue was full
  std::uint64_t failed = 0;       // anything else
};

class UdpSocket {
 public:
  static constexpr std::size_t kBatch = 64;

  class Handler {
   public:
    virtual ~Handler() = default;
    // The packets may be moved out; what is left goes back to the pool.
    virtual void on_datagrams(std::span<UdpReceived> batch) = 0;
    virtual void on_writable() {}              // after send() took less than it was given
    virtual void on_broken(const IoError&) {}  // bind a new socket; this one stays silent
  };

  // `pool` outlives the socket.
  static Result<std::unique_ptr<UdpSocket>, IoError> open(
      Loop& loop, PacketPool& pool, const UdpOptions& options, Handler& handler);
  ~UdpSocket();
  UdpSocket(const UdpSocket&) = delete;
  UdpSocket& operator=(const UdpSocket&) = delete;

  // How many from the front were disposed of: sent, or dropped and counted for a fault of their
  // own. Fewer than given means the socket is full; on_writable() tells when to go on.
  std::size_t send(std::span<const UdpSend> batch);

  std::uint16_t port() const;  // of IPv4; of IPv6 where there is no IPv4
  bool has_v4() const;
  bool has_v6() const;
  const UdpCounters& counters() const;

  // Never fragment: for path-MTU probing. Off at first.
  void set_dont_fragment(bool on);

 private:
  struct Impl;
  explicit UdpSocket(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;  // shared with a callback in progress, which may destroy the socket
};

}  // namespace aya::io
