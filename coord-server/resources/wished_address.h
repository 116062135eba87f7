// The field "ipv4" of a request about a device that does not exist yet. For .cpp files only.
#pragma once

#include "coord-server/api/admin_context.h"
#include "coord-server/api/json.h"

namespace aya::resources {

// Absent: any. One that the device may have; with ?force=true also one that rests after its last
// holder.
api::Answer<std::optional<IpAddress>> wished_address(
    const api::AdminContext& c, const api::Json& body, store::AccountId account);

}  // namespace aya::resources
