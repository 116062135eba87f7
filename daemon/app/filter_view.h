// The packet filter as the local interface shows it (interfaces 4.2): as the server sent it, and as
// it is understood. For whoever wonders why a packet does not pass; nothing here filters. Pure.
#pragma once

#include "proto/control/map_response.h"
#include "proto/local/raw_json.h"

namespace aya::app {

// A JSON array each, a member per rule. In the second, address texts are prefixes, protocols are
// named where the rule leaves them out, and what the filter refuses of a rule is left out.
local::RawJson show_filter_rules(const control::FilterRules& rules);
local::RawJson show_filter_matches(const control::FilterRules& rules);

}  // namespace aya::app
