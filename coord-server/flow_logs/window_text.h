// A kept window as it is shown (interfaces 1.11): JSON, put together of texts, as there may be very
// many. Pure.
#pragma once

#include <string>

#include "coord-server/store/flow_logs.h"

namespace aya::flow_logs {

// {"logged":…,"nodeId":…,"start":…,"end":…,"virtualTraffic":[…],…}; empty lists are left out.
std::string entry_text(const store::FlowRow& row);

}  // namespace aya::flow_logs
