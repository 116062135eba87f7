// The field "routes" of a request body. For .cpp files only.
#pragma once

#include "coord-server/api/json.h"
#include "proto/netaddr/prefix.h"

namespace aya::resources {

// A set: sorted, each once. A default route of one family implies the other. Absent: none.
api::Answer<std::vector<Prefix>> routes_field(const api::Json& body);

}  // namespace aya::resources
