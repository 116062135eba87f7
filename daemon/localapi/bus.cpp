#include "daemon/localapi/bus.h"

#include <algorithm>

#include "proto/base/hex.h"

namespace aya::localapi {
namespace {

using namespace local;

constexpr auto kNetMapInterval = 3s;
constexpr auto kEngineInterval = 2s;
// Above this, whole maps would cost more than anybody gains; clients of large networks use changes.
constexpr std::size_t kMaxPeersForNetMap = 2000;

constexpr std::uint64_t kNewStyle =
    kWatchPeerChanges | kWatchNoNetMap | kWatchInitialStatus | kWatchPeerPatches;
// Bits that open with a message even when it has nothing to say.
constexpr std::uint64_t kAlwaysFirst = kWatchInitialState | kWatchInitialPrefs |
                                       kWatchInitialSuggestedExitNode | kWatchInitialClientVersion |
                                       kWatchInitialStatus | kWatchSysPolicy;

bool wants_net_map(std::uint64_t mask) {
  return (mask & kWatchInitialNetMap) != 0 && (mask & kWatchNoNetMap) == 0;
}

}  // namespace

std::optional<std::string_view> Bus::refusal(std::uint64_t mask) {
  if ((mask & kWatchRateLimit) != 0 && (mask & kNewStyle) != 0) {
    return "bit 256 (rate limit) goes with none of the bits 4096, 8192, 16384 and 32768";
  }
  if ((mask & kWatchInProcess) != 0) {
    return "bit 65536 is for watchers inside the daemon";
  }
  return std::nullopt;
}

void Bus::subscribe(ExchangeId watcher, std::uint64_t mask, TimePoint now, LocalEffects& out) {
  watchers_.insert_or_assign(watcher, mask);
  if ((mask & kWatchEngineUpdates) != 0 && !engine_at_) engine_at_ = now + kEngineInterval;

  Notify first;
  bool any = (mask & kAlwaysFirst) != 0;
  if ((mask & kWatchInitialState) != 0) {
    const Status status = host_.status(false);
    first.session_id = new_session_id();
    first.state = status.backend_state;
    // Whoever subscribes after the login began must still learn where to log in.
    if (!status.auth_url.empty()) first.browse_to_url = status.auth_url;
  }
  if ((mask & kWatchInitialPrefs) != 0) first.prefs = host_.prefs();
  if ((mask & kWatchInitialNetMap) != 0) {
    first.self_change = host_.self_node();
    if (wants_net_map(mask)) first.net_map = host_.net_map();
    any |= !first.self_change.empty() || !first.net_map.empty();
  }
  if ((mask & kWatchInitialStatus) != 0) first.initial_status = host_.status(true);
  first.sys_policy = (mask & kWatchSysPolicy) != 0;
  if ((mask & kWatchPeerState) != 0) {
    first.peer_states = host_.peer_sessions();
    any |= !first.peer_states.empty();
  }
  constexpr auto kCarriesHealth = kWatchInitialState | kWatchInitialPrefs | kWatchInitialNetMap;
  if ((mask & kWatchInitialHealth) != 0 && (mask & kCarriesHealth) != 0) {
    first.health = host_.health();
  }
  if (any) send(watcher, std::move(first), out);
}

void Bus::announce(const Notify& change, LocalEffects& out) {
  for (const auto& [watcher, mask] : watchers_) {
    Notify for_this = change;
    if ((mask & kWatchPeerChanges) == 0) {
      for_this.peers_changed = {};
      for_this.peers_removed.clear();
    }
    if ((mask & kWatchPeerState) == 0) for_this.peer_states.clear();
    for_this.net_map = {};  // goes through net_map_changed alone
    const bool empty = to_json_line(for_this) == to_json_line(Notify{});
    if (!empty) send(watcher, std::move(for_this), out);
  }
}

void Bus::net_map_changed(TimePoint now, LocalEffects& out) {
  Notify self;
  self.self_change = host_.self_node();
  if (!self.self_change.empty()) announce(self, out);
  if (last_net_map_ && now - *last_net_map_ < kNetMapInterval) {
    net_map_at_ = *last_net_map_ + kNetMapInterval;
    return;
  }
  last_net_map_ = now;
  send_net_maps(out);
}

void Bus::send_net_maps(LocalEffects& out) const {
  const bool wanted =
      std::ranges::any_of(watchers_, [](const auto& w) { return wants_net_map(w.second); });
  if (!wanted || host_.peer_count() >= kMaxPeersForNetMap) return;
  Notify change;
  change.self_change = host_.self_node();
  change.net_map = host_.net_map();
  if (change.net_map.empty()) return;
  for (const auto& [watcher, mask] : watchers_) {
    if (wants_net_map(mask)) send(watcher, change, out);
  }
}

void Bus::advance(TimePoint now, LocalEffects& out) {
  if (take_if_due(net_map_at_, now)) {
    last_net_map_ = now;
    send_net_maps(out);
  }
  if (!take_if_due(engine_at_, now)) return;
  Notify update;
  update.engine = host_.engine();
  for (const auto& [watcher, mask] : watchers_) {
    if ((mask & kWatchEngineUpdates) == 0) continue;
    send(watcher, update, out);
    engine_at_ = now + kEngineInterval;
  }
}

void Bus::send(ExchangeId to, Notify notify, LocalEffects& out) const {
  notify.version = version_;
  out.lines.push_back({to, to_json_line(notify) + "\n"});
}

std::string Bus::new_session_id() { return to_hex(rng_.array<8>()); }

}  // namespace aya::localapi
