#include "coord-server/nodes/presence.h"

#include "proto/base/check.h"

namespace aya::nodes {

bool Presence::opened(NodeId node) {
  Seen& seen = seen_[node];
  ++seen.streams;
  seen.stalled = false;
  seen.away_at.reset();
  seen.offline_at.reset();
  seen.forget_at.reset();
  return !std::exchange(seen.announced, true);
}

void Presence::closed(NodeId node, bool ephemeral, TimePoint now) {
  const auto found = seen_.find(node);
  if (found == seen_.end()) return;  // deleted while its stream lived
  Seen& seen = found->second;
  AYA_CHECK(seen.streams > 0);
  if (--seen.streams > 0) return;
  seen.away_at = now + kAwayGrace;
  wakeups_.emplace(*seen.away_at, node);
  seen.offline_at = now + kOfflineGrace;
  wakeups_.emplace(*seen.offline_at, node);
  if (!ephemeral) return;
  seen.forget_at = now + kEphemeralStay;
  wakeups_.emplace(*seen.forget_at, node);
}

void Presence::stalled(NodeId node, TimePoint now) {
  const auto found = seen_.find(node);
  if (found == seen_.end() || found->second.stalled) return;
  Seen& seen = found->second;
  seen.stalled = true;
  seen.away_at = seen.offline_at = now;
  wakeups_.emplace(now, node);
}

bool Presence::answered(NodeId node) {
  const auto found = seen_.find(node);
  if (found == seen_.end() || !std::exchange(found->second.stalled, false)) return false;
  Seen& seen = found->second;
  if (seen.streams == 0) return false;
  seen.away_at.reset();
  seen.offline_at.reset();
  seen.announced = true;
  return true;
}

void Presence::expect_ephemeral(NodeId node, TimePoint now) {
  Seen& seen = seen_[node];
  if (seen.streams > 0) return;
  seen.forget_at = now + kEphemeralStay;
  wakeups_.emplace(*seen.forget_at, node);
}

void Presence::expect_back(NodeId node, TimePoint now) {
  Seen& seen = seen_[node];
  if (seen.streams > 0) return;
  seen.away_at = now + kOfflineGrace;
  wakeups_.emplace(*seen.away_at, node);
}

bool Presence::is_online(NodeId node) const {
  const auto found = seen_.find(node);
  return found != seen_.end() && found->second.announced;
}

std::size_t Presence::streams(NodeId node) const {
  const auto found = seen_.find(node);
  return found == seen_.end() ? 0 : found->second.streams;
}

void Presence::act(NodeId node, TimePoint now, Effects& out) {
  const auto found = seen_.find(node);
  if (found == seen_.end()) return;
  Seen& seen = found->second;
  if (take_if_due(seen.away_at, now)) out.away.push_back(node);
  if (take_if_due(seen.offline_at, now)) {
    seen.announced = false;
    out.offline.push_back(node);
  }
  if (take_if_due(seen.forget_at, now)) out.forgotten.push_back(node);
  const bool waits = seen.away_at || seen.offline_at || seen.forget_at;
  if (seen.streams == 0 && !waits) seen_.erase(found);
}

void Presence::advance(TimePoint now, Effects& out) {
  while (!wakeups_.empty() && wakeups_.begin()->first <= now) {
    const NodeId node = wakeups_.begin()->second;
    wakeups_.erase(wakeups_.begin());
    act(node, now, out);
  }
}

std::optional<TimePoint> Presence::next_deadline() const {
  if (wakeups_.empty()) return std::nullopt;
  return wakeups_.begin()->first;
}

}  // namespace aya::nodes
