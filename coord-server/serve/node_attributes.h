// What a machine says of itself for posture checks (control 4.2, set-device-attr). For .cpp files
// only.
//
// Its names begin with "self:" and with nothing else. What administrators say ("custom:") and what
// follows from the machine ("node:") decides who gets in where, and whoever holds a machine must
// not be able to write it; a policy that asks for "self:…" says that a machine's word is enough.
#pragma once

#include "coord-server/api/json.h"
#include "coord-server/nodes/registry.h"
#include "proto/http/message.h"

namespace aya::serve {

inline constexpr std::size_t kMostOwnAttributes = 20;

// `update` maps names to texts, numbers, true or false, or to null, which takes one away. All of it
// is taken, or nothing.
http::Response set_own_attributes(
    const nodes::Node& node, const api::Json& update, nodes::Registry& registry, WallTime now);

}  // namespace aya::serve
