// Plain WireGuard devices as the REST API writes and reads them. For .cpp files only.
#pragma once

#include "coord-server/api/admin_context.h"
#include "coord-server/api/json.h"

namespace aya::resources {

// What people say about one, and the audit log compares: key, endpoints, routes, name servers, and
// whom it knows.
api::Json wireguard_facts_json(const nodes::Registry& registry, const nodes::NodeRecord& record);
// The same with what it has as every device has.
api::Json wireguard_peer_json(const nodes::Registry& registry, const nodes::Node& node);

// Such facts out of a request, as many as it names, into a record of that account. The others stay.
api::Answer<void> take_wireguard_facts(
    const api::AdminContext& c, const api::Json& body, nodes::NodeRecord& record);

}  // namespace aya::resources
