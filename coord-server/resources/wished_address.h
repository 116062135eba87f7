// Addresses that a request wishes for. For .cpp files only.
#pragma once

#include "coord-server/api/admin_context.h"
#include "coord-server/api/json.h"
#include "coord-server/nodes/address_plan.h"

namespace aya::resources {

// What is kept for whom in the account, and whether ?force=true waives what may be waived.
api::Answer<nodes::PlanOptions> plan_options(
    const api::AdminContext& c, store::AccountId account);

// The field "ipv4" of a request about a device that does not exist yet. Absent: any. One that the
// device may have; with ?force=true also one that rests after its last holder.
api::Answer<std::optional<IpAddress>> wished_address(
    const api::AdminContext& c, const api::Json& body, store::AccountId account);

}  // namespace aya::resources
