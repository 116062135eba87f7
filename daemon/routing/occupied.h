// What this host uses of 100.64.0.0/10 besides the mesh, to be told to the coordinator, so that it
// gives such addresses to nobody here (os-integration 1.5). Pure; any thread.
#pragma once

#include <vector>

#include "daemon/routing/routing.h"

namespace aya::routing {

// Sorted, none within another, wide ones first where there are more than `at_most`.
std::vector<Prefix> occupied_prefixes(const Surroundings& around, std::size_t at_most);

}  // namespace aya::routing
