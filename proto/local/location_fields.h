// Private to this room's sources: where an exit node is, as status and suggestion print it.
#pragma once

#include "proto/local/json_fields.h"
#include "proto/local/status.h"

namespace aya::local {

Json to_json_value(const Location& at);
// The member "Location", where it is there.
void read_location(Fields& in, std::optional<Location>& out);

}  // namespace aya::local
