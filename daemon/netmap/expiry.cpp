#include "daemon/netmap/expiry.h"

namespace aya::netmap {

bool peer_is_expired(const control::Node& peer, const State& state, WallTime now) {
  return peer.expired || (peer.key_expiry && *peer.key_expiry <= now + state.clock_skew);
}

bool self_is_expired(const State& state, WallTime now) {
  const control::Node& self = state.netmap.self;
  return self.expired || (self.key_expiry && *self.key_expiry <= now);
}

std::optional<WallTime> next_expiry(const State& state, WallTime now) {
  std::optional<WallTime> next;
  const auto consider = [&](std::optional<WallTime> expiry, Duration skew) {
    if (!expiry) return;
    const WallTime at = *expiry - skew;
    if (at > now && (!next || at < *next)) next = at;
  };
  consider(state.netmap.self.key_expiry, Duration{0});
  for (const auto& [id, peer] : state.netmap.peers) consider(peer.key_expiry, state.clock_skew);
  return next;
}

}  // namespace aya::netmap
