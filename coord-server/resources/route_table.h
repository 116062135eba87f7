// Every endpoint of the REST API: method, path, the scope it needs, and who answers.
//
// The room holds what people make, see and change (interfaces 1.4 - 1.12), a file per noun. The
// rules that hold for every request are in coord-server/api.
#pragma once

#include "coord-server/api/route.h"

namespace aya::resources {

api::RouteTable route_table();

}  // namespace aya::resources
