#include "coord-server/mapper/map_delta.h"

#include <algorithm>

namespace aya::mapper {
namespace {

using nodes::Facet;

std::uint8_t bit(Facet facet) {
  return static_cast<std::uint8_t>(1u << static_cast<unsigned>(facet));
}

// Facets that a patch can carry and that changed after `version`.
std::uint8_t patchable_changes(const Node& node, nodes::Version version) {
  std::uint8_t facets = 0;
  for (const Facet facet : {Facet::Endpoints, Facet::Home, Facet::Disco, Facet::Online}) {
    if (node.changed_since(facet, version)) facets |= bit(facet);
  }
  return facets;
}

// What a known peer's whole node does not bring across where the reader makes a patch of it: absent
// endpoints keep the old ones, and a new DISCO key of a peer that is offline may take everything
// down with it.
std::uint8_t lost_facets(const Node& node, nodes::Version version) {
  if (node.changed_since(Facet::Disco, version) && !node.online) {
    const bool new_key = node.changed_since(Facet::Identity, version);
    return patchable_changes(node, version) | (new_key ? bit(Facet::Identity) : 0);
  }
  const bool cleared =
      node.changed_since(Facet::Endpoints, version) && node.record.live.endpoints.empty();
  return cleared ? bit(Facet::Endpoints) : 0;
}

std::optional<PeerStep> step_for(
    const MapBuilder& builder, const Node& viewer, const Node& peer, const Delivered& delivered) {
  const bool known = delivered.peers.contains(peer.id());
  if (!builder.shows(viewer, peer)) {
    if (!known) return std::nullopt;
    return PeerStep{peer.id(), PeerStep::Kind::Remove};
  }
  std::vector<Prefix> routes = builder.routes_seen(viewer, peer);
  if (!known) return PeerStep{peer.id(), PeerStep::Kind::Whole, 0, std::move(routes)};
  const auto shown = delivered.routes.find(peer.id());
  const bool rerouted = shown == delivered.routes.end() ? !routes.empty() : shown->second != routes;
  const bool whole = rerouted || changes_itself(peer, delivered.version) ||
                     peer.changed_since(Facet::Hostinfo, delivered.version);
  if (whole) {
    return PeerStep{
        peer.id(), PeerStep::Kind::Whole, lost_facets(peer, delivered.version), std::move(routes)};
  }
  return PeerStep{peer.id(), PeerStep::Kind::Patch, patchable_changes(peer, delivered.version), {}};
}

// A change of the viewer itself may change all it may see: look at everyone.
std::vector<const Node*> all_nodes(const MapBuilder& builder, const Node& viewer) {
  std::vector<const Node*> out;
  for (const NodeId id : builder.registry().nodes_of(viewer.account())) {
    out.push_back(builder.registry().find(id));
  }
  return out;
}

bool contains(const std::vector<const Node*>& nodes, NodeId id) {
  return std::ranges::find(nodes, id, &Node::id) != nodes.end();
}

void record(
    const MapBuilder& builder, const Node& viewer, const PeerStep& step, const Node& peer,
    Delivered& delivered, DeltaPlan& plan) {
  const bool strange = viewer.account() != peer.account();
  if (step.kind == PeerStep::Kind::Remove) {
    delivered.peers.erase(step.peer);
    delivered.strangers.erase(step.peer);
    delivered.routes.erase(step.peer);
  } else if (step.kind == PeerStep::Kind::Whole) {
    delivered.peers.insert(step.peer);
    delivered.routes.erase(step.peer);
    if (!step.routes.empty()) delivered.routes[step.peer] = step.routes;
    if (strange) delivered.strangers.insert(step.peer);
    plan.personal = plan.personal || builder.is_personal(viewer, peer);
    for (const UserId user : builder.people_of(viewer, peer)) {
      if (delivered.profiles.insert(user).second) plan.profiles.push_back(user);
    }
  } else if (step.facets == 0) {
    return;
  }
  plan.peers.push_back(step);
}

void write_patch(const Node& peer, std::uint8_t facets, std::vector<control::PeerChange>& out) {
  if ((facets & bit(Facet::Disco)) != 0) {
    control::PeerChange change;
    change.node_id = peer.id();
    change.disco_key = peer.record.live.disco_key;
    out.push_back(std::move(change));
  }
  if ((facets & ~bit(Facet::Disco)) == 0) return;
  control::PeerChange change;
  change.node_id = peer.id();
  if ((facets & bit(Facet::Endpoints)) != 0) change.endpoints = endpoints_of(peer.record.live);
  if ((facets & bit(Facet::Identity)) != 0) {
    change.key = peer.record.node_key;
    change.key_expiry = peer.record.key_expiry;
  }
  if ((facets & bit(Facet::Home)) != 0) change.derp_region = peer.record.live.home_region;
  if ((facets & bit(Facet::Online)) != 0) {
    change.online = peer.online;
    if (!peer.online) change.last_seen = peer.record.live.last_seen;
  }
  out.push_back(std::move(change));
}

// Services come, go and move, and rules about them change: the reader is told of those it may use.
// `anew`: it may be others than before although none of them changed.
void plan_services(
    const MapBuilder& builder, const Node& viewer, bool anew, Delivered& delivered,
    DeltaPlan& plan) {
  const nodes::Registry& registry = builder.registry();
  const bool moved = registry.services_changed(viewer.account()) > delivered.version;
  if (!moved && (!anew || registry.services(viewer.account()).empty())) return;
  auto services = builder.services_of(viewer);
  const bool concerned = services != delivered.services || (moved && !services.empty());
  delivered.services = std::move(services);
  if (concerned) plan.self = plan.dns = true;
}

// Machines of other accounts: few, so all of them are looked at every time. `anew`: the pair may be
// known to each other by other addresses than before.
void plan_strangers(
    const MapBuilder& builder, const Node& viewer, bool anew, Delivered& delivered,
    DeltaPlan& plan) {
  const auto strangers = builder.sharing().strangers_for(viewer);
  for (const NodeId id : std::set<NodeId>(delivered.strangers)) {
    if (contains(strangers, id)) continue;
    delivered.strangers.erase(id);
    delivered.routes.erase(id);
    if (delivered.peers.erase(id)) plan.peers.push_back({id, PeerStep::Kind::Remove});
  }
  for (const Node* peer : strangers) {
    auto step = step_for(builder, viewer, *peer, delivered);
    if (!step) continue;
    if (anew && step->kind == PeerStep::Kind::Patch) {
      *step = {
          peer->id(), PeerStep::Kind::Whole, lost_facets(*peer, delivered.version),
          builder.routes_seen(viewer, *peer)};
    }
    record(builder, viewer, *step, *peer, delivered, plan);
  }
}

}  // namespace

Delivered Delivered::from_snapshot(
    const MapBuilder& builder, const Node& viewer, const Snapshot& snapshot) {
  Delivered delivered;
  delivered.version = builder.registry().version();
  delivered.rules_version = builder.policy().rules_version(viewer);
  delivered.sight_version = builder.policy().sight_version(viewer.account());
  delivered.bounds = builder.bounds(viewer);
  delivered.sharers = builder.sharing().sharers_of(viewer.account());
  delivered.services = snapshot.services;
  delivered.relays = snapshot.relays;
  delivered.counts_flows = builder.counts_flows(viewer);
  delivered.peers.reserve(snapshot.shown.size());
  for (const Snapshot::Shown& shown : snapshot.shown) {
    delivered.peers.insert(shown.peer);
    if (!shown.routes.empty()) delivered.routes[shown.peer] = shown.routes;
    if (builder.registry().find(shown.peer)->account() != viewer.account()) {
      delivered.strangers.insert(shown.peer);
    }
  }
  for (const auto& one : snapshot.message.rest.user_profiles) delivered.profiles.insert(one.id);
  return delivered;
}

bool changes_itself(const Node& node, nodes::Version since) {
  return node.changed_since(Facet::Identity, since) || node.changed_since(Facet::Routes, since);
}

std::optional<DeltaPlan> plan_delta(
    const MapBuilder& builder, const Node& viewer, Delivered& delivered) {
  auto changes = builder.registry().changes_since(viewer.account(), delivered.version);
  if (!changes.complete) return std::nullopt;
  DeltaPlan plan;
  const auto& policy = builder.policy();
  const std::uint64_t sight = policy.sight_version(viewer.account());
  const std::uint64_t rules = policy.rules_version(viewer);
  const bool new_policy = builder.registry().policy_changed(viewer.account()) > delivered.version;
  const bool new_sight = std::exchange(delivered.sight_version, sight) != sight;
  const bool new_rules = std::exchange(delivered.rules_version, rules) != rules;
  plan.self = new_policy || changes_itself(viewer, delivered.version);
  plan_services(builder, viewer, plan.self || new_sight, delivered, plan);
  const bool new_shares = builder.sharing().changed(viewer.account()) > delivered.version;
  plan.filter = plan.self || new_rules;
  if (new_shares) {
    auto bounds = builder.bounds(viewer);
    plan.filter = plan.filter || bounds != delivered.bounds;
    delivered.bounds = std::move(bounds);
    auto sharers = builder.sharing().sharers_of(viewer.account());
    plan.dns = plan.dns || sharers != delivered.sharers;
    delivered.sharers = std::move(sharers);
  }
  // A stock client that is to choose an exit node can do so once it has a home, and tries again
  // only when it hears of itself or of a new peer.
  plan.self = plan.self || viewer.changed_since(Facet::Home, delivered.version);
  const bool counts = builder.counts_flows(viewer);
  if (std::exchange(delivered.counts_flows, counts) != counts) plan.self = true;
  plan.dns = plan.dns || builder.registry().dns_changed(viewer.account()) > delivered.version;
  if (plan.dns) plan.services = delivered.services;
  auto relays = builder.relays(viewer.account());
  plan.relays = relays != delivered.relays;
  delivered.relays = std::move(relays);
  if (new_sight || changes_itself(viewer, delivered.version)) {
    changes.changed = all_nodes(builder, viewer);
    if (delivered.profiles.insert(nodes::shown_user(viewer.record)).second) {
      plan.profiles.push_back(nodes::shown_user(viewer.record));
    }
  }
  for (const NodeId id : changes.removed) {
    delivered.routes.erase(id);
    if (delivered.peers.erase(id)) plan.peers.push_back({id, PeerStep::Kind::Remove});
  }
  for (const Node* peer : changes.changed) {
    if (const auto step = step_for(builder, viewer, *peer, delivered)) {
      record(builder, viewer, *step, *peer, delivered, plan);
    }
  }
  const bool anew = new_shares || changes_itself(viewer, delivered.version);
  plan_strangers(builder, viewer, anew, delivered, plan);
  delivered.version = builder.registry().version();
  return plan;
}

MapMessage write_delta(
    const MapBuilder& builder, const Node& viewer, const DeltaPlan& plan, WallTime now) {
  MapMessage message;
  control::MapResponse& out = message.rest;
  if (plan.self) out.node = builder.self(viewer, now);
  if (plan.filter) {
    message.filters = builder.filters(viewer);
    out.ssh_policy = builder.policy().ssh(viewer);
  }
  if (plan.dns) out.dns_config = builder.dns(viewer.account(), plan.services);
  // Whole, and with the list of scores also where it is empty: absent ones would stay (6.9).
  if (plan.relays) out.derp_map = *builder.relays(viewer.account());
  for (const PeerStep& step : plan.peers) {
    if (step.kind == PeerStep::Kind::Remove) {
      out.peers_removed.push_back(step.peer);
      continue;
    }
    const Node& peer = *builder.registry().find(step.peer);
    if (step.kind == PeerStep::Kind::Whole) {
      message.peers_changed.push_back(builder.peer_text(viewer, peer, step.routes, now));
    }
    write_patch(peer, step.facets, out.peers_changed_patch);
  }
  for (const UserId user : plan.profiles) out.user_profiles.push_back(builder.profile(user));
  return message;
}

}  // namespace aya::mapper
