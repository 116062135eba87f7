// Whether the kernel passes other machines' packets on: what a router and an exit node need.
#pragma once

#include <string>

namespace aya::os {

// A sentence for a person, with what to do about it; empty: it does, for both families.
std::string ip_forwarding_problem();

}  // namespace aya::os
