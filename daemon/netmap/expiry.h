// Key expiry: when a node stops being itself (control 9.4).
#pragma once

#include <optional>

#include "daemon/netmap/fold.h"

namespace aya::netmap {

// `now`: our clock. Peers are judged by the server's clock, self by ours: a wrong clock here must
// not cut off others, and the server has the last word about us anyway.
bool peer_is_expired(const control::Node& peer, const State& state, WallTime now);
bool self_is_expired(const State& state, WallTime now);

// The next moment, by our clock, at which one of the answers above changes. nullopt: never.
std::optional<WallTime> next_expiry(const State& state, WallTime now);

}  // namespace aya::netmap
