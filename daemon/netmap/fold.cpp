#include "daemon/netmap/fold.h"

#include <set>
#include <utility>

#include "daemon/netmap/node_change.h"

namespace aya::netmap {
namespace {

using control::MapResponse;
using control::Node;
using control::PeerChange;

// Before the first release of the protocol in use a server's clock is certainly wrong.
const WallTime kEarliestControlTime =
    std::chrono::sys_days{std::chrono::year{2023} / std::chrono::January / 1};

constexpr std::string_view kAll = "*";  // the key that clears a named collection

// Peers of a netmap under change. Keeps each one's earlier version when first touched, so that the
// delta costs what changed.
class PeerEdits {
 public:
  explicit PeerEdits(std::map<NodeId, Node>& peers) : peers_(peers) {}

  const Node* find(NodeId id) const {
    const auto found = peers_.find(id);
    return found == peers_.end() ? nullptr : &found->second;
  }
  Node* edit(NodeId id) {
    const auto found = peers_.find(id);
    if (found == peers_.end()) return nullptr;
    remember(id);
    return &found->second;
  }
  void put(Node node) {
    remember(node.id);
    const NodeId id = node.id;
    peers_.insert_or_assign(id, std::move(node));
  }
  void erase(NodeId id) {
    remember(id);
    peers_.erase(id);
  }

  std::vector<PeerDelta> delta() const {
    Netmap was, is;  // of the touched peers alone
    for (const auto& [id, before] : before_) {
      if (before) was.peers.emplace(id, *before);
      if (const Node* after = find(id)) is.peers.emplace(id, *after);
    }
    return difference(was, is).peers;
  }

 private:
  void remember(NodeId id) {
    const auto found = peers_.find(id);
    before_.try_emplace(id, found == peers_.end() ? std::nullopt : std::optional(found->second));
  }

  std::map<NodeId, Node>& peers_;
  std::map<NodeId, std::optional<Node>> before_;
};

// `known` is what the poll had said before this message; a key older than that is not believed.
void replace_peers(std::vector<Node> list, PeerEdits& edits, std::map<NodeId, Node>& peers) {
  std::set<NodeId> keep;
  for (Node& next : list) {
    if (const Node* known = edits.find(next.id);
        known != nullptr && !keep.contains(next.id) && has_stale_disco_key(next, *known)) {
      next.disco_key = known->disco_key;
      next.last_seen = known->last_seen;
    }
    keep.insert(next.id);
    edits.put(std::move(next));
  }
  std::vector<NodeId> gone;
  for (const auto& [id, node] : peers) {
    if (!keep.contains(id)) gone.push_back(id);
  }
  for (const NodeId id : gone) edits.erase(id);
}

// Deployed nodes turn nodes into patches, and drop stale ones, against the peers as they were when
// the message came: before its own removals.
void reduce_changes(MapResponse& message, const PeerEdits& edits) {
  std::vector<Node> replacing;
  for (Node& next : message.peers_changed) {
    const Node* known = edits.find(next.id);
    auto patch = known == nullptr ? std::nullopt : reduce_to_patch(*known, next);
    if (patch) {
      message.peers_changed_patch.push_back(std::move(*patch));
    } else {
      replacing.push_back(std::move(next));
    }
  }
  message.peers_changed = std::move(replacing);
  std::erase_if(message.peers_changed_patch, [&](const PeerChange& patch) {
    const Node* known = edits.find(patch.node_id);
    return known != nullptr && is_stale(patch, *known);
  });
}

void change_peers(MapResponse& message, WallTime now, PeerEdits& edits) {
  reduce_changes(message, edits);
  for (const NodeId id : message.peers_removed) edits.erase(id);
  for (Node& next : message.peers_changed) edits.put(std::move(next));
  for (const auto& [id, seen] : message.peer_seen_change) {
    if (Node* peer = edits.edit(id)) peer->last_seen = seen ? std::optional(now) : std::nullopt;
  }
  for (const auto& [id, online] : message.online_change) {
    if (Node* peer = edits.edit(id)) peer->online = online;
  }
  for (const PeerChange& patch : message.peers_changed_patch) {
    if (Node* peer = edits.edit(patch.node_id)) apply(patch, *peer);
  }
}

// Assigns where `next` is there; true if that made a difference.
template <class T, class U>
bool take(std::optional<T>& next, U& into) {
  if (!next || into == *next) return false;
  into = std::move(*next);
  return true;
}

bool take(std::string& next, std::string& into) {
  if (next.empty() || into == next) return false;
  into = std::move(next);
  return true;
}

// Null deletes a key, and under "*" all keys, before anything else of the message.
template <class T>
bool patch_named(std::map<std::string, std::optional<T>>& changes, std::map<std::string, T>& into) {
  if (changes.empty()) return false;
  const auto before = into;
  if (const auto all = changes.find(std::string(kAll)); all != changes.end() && !all->second) {
    into.clear();
  }
  for (auto& [name, value] : changes) {
    if (name == kAll) continue;
    if (value) {
      into.insert_or_assign(name, std::move(*value));
    } else {
      into.erase(name);
    }
  }
  return into != before;
}

bool fold_filters(MapResponse& message, Netmap& map) {
  bool changed = false;
  if (message.packet_filter) {
    auto& base = map.packet_filters["base"];
    changed = base != *message.packet_filter;
    base = std::move(*message.packet_filter);
  }
  return patch_named(message.packet_filters, map.packet_filters) || changed;
}

bool fold_derp_map(std::optional<control::DerpMap>& next, std::optional<control::DerpMap>& into) {
  if (!next) return false;
  if (into) {
    if (!next->regions) {  // the flag belongs to the regions it came with
      next->regions = into->regions;
      next->omit_default_regions = into->omit_default_regions;
    }
    if (!next->home_params) {
      next->home_params = into->home_params;
    } else if (!next->home_params->region_score && into->home_params) {
      next->home_params->region_score = into->home_params->region_score;
    }
  }
  if (into == next) return false;
  into = std::move(next);
  return true;
}

bool fold_profiles(std::vector<control::UserProfile>& profiles, Netmap& map) {
  bool changed = false;
  for (auto& profile : profiles) {
    auto& known = map.user_profiles[profile.id];
    changed = changed || known != profile;
    known = std::move(profile);
  }
  return changed;
}

void fold_self(std::optional<Node>& node, Netmap& map, NetmapDelta& delta) {
  if (!node) return;
  delta.self = map.self != *node;
  delta.self_addresses =
      map.self.addresses != node->addresses || map.self.allowed_ips != node->allowed_ips;
  map.self = std::move(*node);
}

bool fold_network_lock(const std::optional<control::RawJson>& info, Netmap& map) {
  if (!info) return false;
  // {"Head":…} turns it on, {"Disabled":true} off.
  const bool on = info->text.find("\"Disabled\":true") == std::string::npos;
  return std::exchange(map.network_lock, on) != on;
}

NetmapDelta fold_into(Netmap& map, MapResponse& message, WallTime now) {
  NetmapDelta delta;
  for (Node& node : message.peers) normalize(node);
  for (Node& node : message.peers_changed) normalize(node);
  if (message.node) normalize(*message.node);

  PeerEdits edits(map.peers);
  if (!message.peers.empty()) {
    replace_peers(std::move(message.peers), edits, map.peers);
  } else {
    change_peers(message, now, edits);
  }
  edits.erase(message.node ? message.node->id : map.self.id);  // nobody is a peer of itself
  delta.peers = edits.delta();

  fold_self(message.node, map, delta);
  delta.user_profiles = fold_profiles(message.user_profiles, map);
  delta.derp_map = fold_derp_map(message.derp_map, map.derp_map);
  delta.packet_filters = fold_filters(message, map);
  delta.dns = take(message.dns_config, map.dns);
  delta.ssh_policy = take(message.ssh_policy, map.ssh_policy);
  const bool health = take(message.health, map.health);
  delta.messages = patch_named(message.display_messages, map.display_messages) || health;
  const bool domain = take(message.domain, map.domain);
  const bool services = take(message.collect_services, map.collect_services);
  const bool audit = take(message.domain_data_plane_audit_log_id, map.domain_audit_log_id);
  delta.account = fold_network_lock(message.tka_info, map) || domain || services || audit;
  return delta;
}

Events take_events(State& state, MapResponse& message, WallTime now) {
  Events events;
  if (message.ping_request && !message.ping_request->url.empty() &&
      message.ping_request->url != state.last_ping_url) {
    state.last_ping_url = message.ping_request->url;
    events.ping = std::move(message.ping_request);
  }
  if (!message.pop_browser_url.empty() && message.pop_browser_url != state.last_browser_url) {
    state.last_browser_url = message.pop_browser_url;
    events.pop_browser_url = std::move(message.pop_browser_url);
  }
  if (message.control_time) {
    events.control_time = message.control_time;
    if (*message.control_time >= kEarliestControlTime) {
      state.clock_skew = *message.control_time - now;
    }
  }
  events.dial_plan = std::move(message.control_dial_plan);
  events.client_version = std::move(message.client_version);
  if (!message.keep_alive) events.debug = std::move(message.debug);
  return events;
}

}  // namespace

FoldResult fold(State& state, MapResponse message, WallTime now) {
  FoldResult result;
  result.events = take_events(state, message, now);
  if (message.keep_alive) return result;
  if (!state.awaiting_first) {
    result.delta = fold_into(state.netmap, message, now);
    result.outcome = Outcome::Folded;
    return result;
  }
  if (!message.node) {
    result.outcome = Outcome::MissingNode;
    return result;
  }
  Netmap fresh;
  fold_into(fresh, message, now);
  result.delta = difference(state.netmap, fresh);
  result.outcome = Outcome::Folded;
  state.netmap = std::move(fresh);
  state.awaiting_first = false;
  return result;
}

}  // namespace aya::netmap
