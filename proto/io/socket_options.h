// What every outgoing socket of the daemon may carry so that it bypasses the tunnel (nat-traversal
// 8.1). Best effort: without the capability the socket works, unmarked.
#pragma once

#include <cstdint>
#include <string>

namespace aya::io {

struct SocketOptions {
  std::uint32_t mark = 0;  // SO_MARK; 0: none
  std::string device;      // SO_BINDTODEVICE; empty: none

  friend bool operator==(const SocketOptions&, const SocketOptions&) = default;
};

void apply(const SocketOptions& options, int descriptor);

// Whether this process may set SO_MARK at all; asked once, at start. Where it may not, the device
// of the default route does the same service.
bool may_mark_sockets(std::uint32_t mark);

}  // namespace aya::io
