// What a node is told that it may do, and how it shall behave (control 8.2): what this server
// switches on for everyone, and what the policy says of it. This is the one place where they meet.
// Pure.
#pragma once

#include "coord-server/nodes/services.h"
#include "proto/control/node.h"

namespace aya::mapper {

// `attributes` are the policy's (nodeAttrs, and what follows from the owner's role). They win.
control::CapMap self_capabilities(control::CapMap attributes);

// The value of "service-host": the services a node answers for, and at which addresses.
control::RawJson hosted_services(const std::vector<const store::Service*>& services);
// The value of "services/…": a service that a node may use, as people are shown it.
control::RawJson service_details(const store::Service& service);

}  // namespace aya::mapper
