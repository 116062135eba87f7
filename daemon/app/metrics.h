// What the packet rooms counted, in the words of the local interface. Pure.
#pragma once

#include <vector>

#include "daemon/dataplane/dataplane.h"
#include "daemon/flow_logs/flow_log.h"
#include "daemon/os/tun.h"
#include "proto/control/node.h"
#include "proto/local/prefs.h"
#include "proto/local/user_metrics.h"

namespace aya::app {

local::TrafficTotals totals_of(const dataplane::Dataplane& dataplane);

// Every counter of the rooms that packets pass, zero or not.
std::vector<local::InternalCounter> counters_of(
    const dataplane::Dataplane& dataplane, const os::Tun::Counters& interface,
    const flow_logs::FlowLog::Counters& flows);

// Offered subnets; the default routes are the offer of an exit node and are not counted.
std::size_t advertised_routes(const local::Prefs& prefs);
std::size_t approved_routes(const control::Node& self, const local::Prefs& prefs);

}  // namespace aya::app
