// The packet filter of one node: the rules of the policy in which it is a destination, with the
// addresses as that node sees them (control 6.7).
#pragma once

#include "coord-server/policy/policy.h"
#include "proto/control/map_response.h"

namespace aya::policy {

// Never absent: a node without rules gets an empty list, which denies everything.
control::FilterRules compile_filter(const Policy& policy, const nodes::Node& destination);

}  // namespace aya::policy
