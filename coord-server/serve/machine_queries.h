// The smaller things a node asks over its control connection (control 4.2): each names its node by
// key, which must be a node of the machine that asks.
#pragma once

#include "coord-server/issuer/issuer.h"
#include "coord-server/nodes/registry.h"
#include "proto/http/message.h"

namespace aya::serve {

struct QueryDesk {  // what they are answered from
  nodes::Registry& registry;
  issuer::Issuer& issuer;
};
// nullopt: not one of these.
std::optional<http::Response> answer_query(
    const http::Request& request, const MachinePublicKey& machine, const QueryDesk& desk,
    WallTime now);

}  // namespace aya::serve
