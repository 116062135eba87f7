// What a node did or said by itself, as a line of the audit log.
#pragma once

#include <string>

#include "coord-server/nodes/registry.h"

namespace aya::serve {

// About the node, by the node; the caller adds what changed.
store::AuditEntry by_node(
    const nodes::Registry& registry, const nodes::Node& node, std::string action, WallTime now);

}  // namespace aya::serve
