// What a node's host uses of 100.64.0.0/10 besides the mesh: a carrier's network, a cloud's name
// servers, another overlay. New nodes get addresses elsewhere where there is room (os-integration
// 1.5). A member of Hostinfo that deployed servers pass over:
//
//   "OccupiedPrefixes": ["100.72.0.0/16"]
//
// Values; any thread.
#pragma once

#include <vector>

#include "proto/control/hostinfo.h"

namespace aya::control {

// More than these say nothing useful to a server.
inline constexpr std::size_t kOccupiedAtMost = 64;

// Empty where it is absent; what is no IPv4 prefix in 100.64.0.0/10 is left out.
std::vector<Prefix> occupied_prefixes(const Hostinfo& hostinfo);
void set_occupied_prefixes(Hostinfo& hostinfo, const std::vector<Prefix>& prefixes);

}  // namespace aya::control
