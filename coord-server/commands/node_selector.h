// Which device a person means (interfaces 2): its name, full name, address, host name, nodeId, id,
// or the beginning of one of its names that no other device shares. For .cpp files only, as it
// reads the API's JSON. Pure.
#pragma once

#include "coord-server/commands/json.h"

namespace aya::coord {

// `devices`: the API's list. The failure names the candidates where there are several.
Result<Json, Failure> select_node(const Json& devices, const std::string& wanted);

// The first label of a device's name.
std::string label_of(const Json& device);
// The same as people read it, fit for a terminal.
std::string shown_label(const Json& device);

}  // namespace aya::coord
