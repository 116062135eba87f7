// Addresses of public DNS-over-HTTPS servers, so that they can be asked before anything resolves
// names. What their operators publish.
#pragma once

#include <string_view>
#include <vector>

#include "proto/netaddr/ip_address.h"

namespace aya::dns {

// Of a host name in a resolver's URL; empty: none of those we know.
std::vector<IpAddress> public_resolver_addresses(std::string_view host);

}  // namespace aya::dns
