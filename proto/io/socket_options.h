// What every outgoing socket of the daemon may carry so that it bypasses the tunnel (nat-traversal
// 8.1). Both are best effort: without the capability the socket works, unmarked.
#pragma once

#include <cstdint>
#include <string>

namespace aya::io {

struct SocketOptions {
  std::uint32_t mark = 0;  // SO_MARK; 0: none
  std::string device;      // SO_BINDTODEVICE; empty: none

  friend bool operator==(const SocketOptions&, const SocketOptions&) = default;
};

// Applies to an open descriptor; sockets bound for loopback are better left alone by the caller.
void apply(const SocketOptions& options, int descriptor);

// Whether this process may set SO_MARK at all; asked once, at start.
bool may_mark_sockets();

}  // namespace aya::io
