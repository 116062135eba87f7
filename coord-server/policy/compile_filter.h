// The packet filter of one node: the rules of the policy in which it is a destination, with the
// addresses as that node sees them (control 6.7). Its routes are destinations like itself.
#pragma once

#include "coord-server/policy/policy.h"
#include "proto/control/map_response.h"

namespace aya::policy {

// `subnets`: the networks behind nodes of the account, whose hosts may speak in their own name.
// Never absent: a node without rules gets an empty list, which denies everything.
control::FilterRules compile_filter(
    const Policy& policy, const nodes::Node& destination, const std::vector<Prefix>& subnets);

}  // namespace aya::policy
