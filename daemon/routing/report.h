// The decision as a person sees it: in `status --json`, and as warnings where something that was
// asked for cannot be had.
#pragma once

#include <vector>

#include "daemon/routing/routing.h"
#include "proto/local/notify.h"
#include "proto/local/status.h"

namespace aya::routing {

local::HostRouting report(const Decision& decision);
std::vector<local::HealthWarning> warnings(const Decision& decision);

}  // namespace aya::routing
