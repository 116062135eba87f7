// The mesh's part that carries out what the network map and the settings say.
#include <utility>

#include "daemon/app/firewall_meaning.h"
#include "daemon/app/map_meaning.h"
#include "daemon/app/mesh.h"
#include "daemon/filter/rules.h"
#include "daemon/netmap/expiry.h"
#include "daemon/routing/guest_network.h"

namespace aya::app {
namespace {

// With several relays to choose from, the network check gets this long before one is taken anyhow:
// a node without a home cannot be reached.
constexpr Duration kMeasureHomeFor = 300ms;

// A relay that may be a home and is the only one: there is nothing to measure.
std::optional<RegionId> only_region(const std::map<RegionId, control::DerpRegion>& map) {
  std::optional<RegionId> only;
  for (const auto& [id, region] : map) {
    const bool relays = std::ranges::any_of(
        region.nodes, [](const control::DerpNode& node) { return !node.stun_only; });
    if (region.no_measure_no_home || !relays) continue;
    if (only) return std::nullopt;
    only = id;
  }
  return only;
}

}  // namespace

void Mesh::apply(
    const netmap::State& state, const netmap::NetmapDelta& delta, const local::Prefs& prefs) {
  state_ = &state;
  prefs_ = prefs;
  if (delta.derp_map) apply_relays(state);
  if (delta.self || delta.self_addresses) apply_self(state);
  const bool exit_changed = (delta.self || !delta.peers.empty()) && choose_exit(state, prefs);

  bool names = delta.dns || delta.self || exit_changed;
  bool routes = delta.self || delta.self_addresses;
  bool capabilities = false;
  for (const auto& peer : delta.peers) {
    const bool removed = peer.kind == netmap::PeerDelta::Kind::Removed;
    // "Other" may be a capability for subdomains, or the port at which an exit node answers names.
    names = names || peer.names || peer.routing || peer.other || removed;
    // Which of several routers has a prefix depends on who is online.
    routes =
        routes || peer.routing || peer.presence || peer.kind != netmap::PeerDelta::Kind::Changed;
    capabilities = capabilities || peer.other || peer.routing;
  }
  if (routes || exit_changed) apply_routes(state, prefs);
  for (const auto& peer : delta.peers) apply_peer(state, peer.id);
  const bool filter_reads_capabilities =
      capabilities && dataplane_->packet_filter().rules().uses_node_capabilities();
  if (delta.packet_filters || filter_reads_capabilities) apply_filter(state, prefs);
  if (routes) apply_firewall(state, prefs);
  // The host's resolver is told last: of an interface that is not up it wants to know nothing.
  if (names) apply_names(state, prefs);
  if (exit_changed) owner_.on_exit_node_changed();
  arm();
}

void Mesh::reapply(const netmap::State& state, const local::Prefs& prefs) {
  state_ = &state;
  prefs_ = prefs;
  apply_relays(state);
  apply_self(state);
  const bool exit_changed = choose_exit(state, prefs);
  apply_routes(state, prefs);
  for (const auto node : numbers_.nodes()) apply_peer(state, node);
  for (const auto& [node, peer] : state.netmap.peers) apply_peer(state, node);
  apply_filter(state, prefs);
  apply_firewall(state, prefs);
  apply_names(state, prefs);
  if (exit_changed) owner_.on_exit_node_changed();
  arm();
}

// Before routes are decided: they lead to it.
bool Mesh::choose_exit(const netmap::State& state, const local::Prefs& prefs) {
  const auto report = netcheck_->last();
  return exit_watch_.set(
      state, prefs, report ? report->region_latency : std::map<RegionId, Duration>{});
}

void Mesh::apply_peer(const netmap::State& state, netmap::NodeId node) {
  const auto found = state.netmap.peers.find(node);
  if (found == state.netmap.peers.end()) {
    if (const auto number = numbers_.find(node)) {
      dataplane_->remove_peer(*number);
      facts_.erase(*number);
      numbers_.release(node);
    }
    return;
  }
  const bool expired = netmap::peer_is_expired(found->second, state, loop_.wall_now());
  const PeerId number = numbers_.number_of(node);
  dataplane::PeerFacts facts = peer_facts(found->second, routing_.of(node), expired);
  const auto known = facts_.find(number);
  if (known != facts_.end() && known->second == facts) return;
  dataplane_->upsert_peer(number, facts, loop_.now());
  facts_.insert_or_assign(number, std::move(facts));
}

void Mesh::apply_self(const netmap::State& state) {
  dataplane_->set_own_addresses(addresses_of(state.netmap.self));
  dataplane_->set_local_destinations(routing::reachable_through(state.netmap.self, around()));
  dataplane_->set_own_subnets(subnets_of(state.netmap.self));
}

void Mesh::apply_filter(const netmap::State& state, const local::Prefs& prefs) {
  const auto rules = state.netmap.filter_rules();
  auto compiled = filter::compile(rules, capability_holders(state.netmap));
  for (const auto& problem : compiled.problems()) {
    log_.error(
        "a packet filter rule is not usable", {{"rule", problem.rule}, {"why", problem.text}});
  }
  dataplane_->packet_filter().set_rules(std::move(compiled), prefs.shields_up);
}

void Mesh::apply_names(const netmap::State& state, const local::Prefs& prefs) {
  // Without the setting our resolver still answers who asks it, but knows nobody else's names.
  const bool expired = netmap::self_is_expired(state, loop_.wall_now());
  const auto* exit = find_peer(state.netmap, exit_node().value_or(""));
  dataplane_->names().configure(
      expired ? dns::ResolverConfig{} : resolver_config(state.netmap, prefs),
      expired ? dns::ForwarderConfig{}
              : forwarder_config(state.netmap, prefs, host_.dns().base.nameservers, exit));
  // Where we answer nobody, the host had better ask somebody else.
  host_.apply_dns(
      routing_.service_reachable && !expired ? wanted_dns(state.netmap, prefs, exit)
                                             : std::nullopt);
}

void Mesh::apply_routes(const netmap::State& state, const local::Prefs& prefs) {
  const auto expired = [&](const control::Node& peer) {
    return netmap::peer_is_expired(peer, state, loop_.wall_now());
  };
  const routing::Surroundings networks = around();
  const routing::Decision before = std::exchange(
      routing_, routing::decide(
                    {.map = state.netmap,
                     .prefs = prefs,
                     .exit_node = exit_watch_.in_use(),
                     .around = networks,
                     .expired = expired,
                     .service_addresses = service_addresses()}));
  for (const auto& [node, prefixes] : before.peers) {
    if (routing_.of(node) != prefixes) apply_peer(state, node);
  }
  for (const auto& [node, prefixes] : routing_.peers) {
    if (!before.peers.contains(node)) apply_peer(state, node);
  }
  host_.apply_routes(route_config(routing_));
  apply_services(state, prefs);
  if (before.service_reachable != routing_.service_reachable) apply_names(state, prefs);
}

// Sockets on the addresses that the host has now.
void Mesh::apply_services(const netmap::State& state, const local::Prefs& prefs) {
  names_->set_own_addresses(addresses_of(state.netmap.self));
  if (peer_service_->apply(state, prefs)) owner_.on_mesh_facts_changed();
}

routing::Surroundings Mesh::around() const {
  return surroundings(
      host_.networks(), host_.dns().base, host_.dhcp_servers(), host_.route_abilities());
}

void Mesh::apply_firewall(const netmap::State& state, const local::Prefs& prefs) {
  std::vector<std::uint16_t> ports = {udp_->port()};
  if (const auto port = portmap_ ? portmap_->socket_port() : std::nullopt) ports.push_back(*port);
  // Where a machine on the host's own network has a peer's address, too, its packets are not
  // forged.
  const std::vector<IpAddress> shared = routing_.shared_addresses();
  std::vector<IpAddress> peers;
  for (const auto& [node, peer] : state.netmap.peers) {
    for (const IpAddress& address : addresses_of(peer)) {
      if (!std::ranges::binary_search(shared, address)) peers.push_back(address);
    }
  }
  std::vector<IpAddress> self;
  for (const Prefix& own : routing_.addresses) self.push_back(own.address);
  FirewallFacts facts{
      .tun = host_.tun().name(),
      .listen_port = udp_->port(),
      .ports = std::move(ports),
      .self = std::move(self),
      .peers = std::move(peers),
      .mark = host_.mark(),
      .networks = host_.networks(),
      .uses_exit = routing_.holds_internet()};
  host_.apply_firewall(firewall_node(std::move(facts), prefs));
}

void Mesh::apply_relays(const netmap::State& state) {
  if (!state.netmap.derp_map) return;
  relays_->set_map(*state.netmap.derp_map);
  netcheck_->set_map(relay_map(*state.netmap.derp_map));
  choose_home_soon();
  check_network();
}

void Mesh::choose_home_soon() {
  if (relays_->home() != 0) return;
  if (const auto only = only_region(relays_->map())) {
    relays_->choose_home(*only, control_connected_);
  } else {
    home_timer_.arm_in(kMeasureHomeFor);
  }
}

}  // namespace aya::app
