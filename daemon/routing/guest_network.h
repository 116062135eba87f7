// What others reach by way of this node: its own addresses, the subnets it offers, and, where it is
// an exit node, the Internet. An exit node is like the wireless network that a host has for guests:
// it leads out, not into the networks the host sits in, nor into private ones. Whoever wants to
// offer those as well offers them by name.
//
// Pure; the packet filter holds peers to it (daemon/filter).
#pragma once

#include <vector>

#include "daemon/routing/routing.h"

namespace aya::routing {

std::vector<Prefix> reachable_through(const control::Node& self, const Surroundings& around);

}  // namespace aya::routing
