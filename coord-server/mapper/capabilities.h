// What a node is told that it may do, and how it shall behave (control 8.2): what this server
// switches on for everyone, and what the policy says of it. This is the one place where they meet.
// Pure.
#pragma once

#include "proto/control/node.h"

namespace aya::mapper {

// `attributes` are the policy's (nodeAttrs, and what follows from the owner's role). They win.
control::CapMap self_capabilities(control::CapMap attributes);

}  // namespace aya::mapper
