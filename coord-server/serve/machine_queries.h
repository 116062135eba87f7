// The smaller things a node asks over its control connection (control 4.2): each names its node by
// key, which must be a node of the machine that asks.
#pragma once

#include "coord-server/nodes/registry.h"
#include "proto/http/message.h"

namespace aya::serve {

// nullopt: not one of these.
std::optional<http::Response> answer_query(
    const http::Request& request, const MachinePublicKey& machine, nodes::Registry& registry,
    WallTime now);

}  // namespace aya::serve
