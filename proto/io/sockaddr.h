// Between our endpoints and the system's socket addresses.
#pragma once

#include <sys/socket.h>

#include <optional>

#include "proto/netaddr/endpoint.h"

namespace aya::io {

// Fills `out` and returns its length.
socklen_t to_sockaddr(const Endpoint& at, sockaddr_storage& out);
// nullopt for a family that is neither IPv4 nor IPv6. IPv4 in IPv6 comes back as IPv4.
std::optional<Endpoint> from_sockaddr(const sockaddr_storage& address);

}  // namespace aya::io
