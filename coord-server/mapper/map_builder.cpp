#include "coord-server/mapper/map_builder.h"

#include <algorithm>

#include "coord-server/mapper/capabilities.h"
#include "proto/control/json_text.h"
#include "coord-server/nodes/address_rules.h"
#include "proto/control/flow_report.h"
#include "proto/control/occupied_prefixes.h"

namespace aya::mapper {
namespace {

bool is_within(std::string_view name, std::string_view domain) {
  if (!name.ends_with(domain)) return false;
  name.remove_suffix(domain.size());
  return name.empty() || name.ends_with('.');
}

}  // namespace

std::vector<Endpoint> endpoints_of(const store::NodeLive& live) {
  std::vector<Endpoint> out;
  for (const store::KnownEndpoint& known : live.endpoints) out.push_back(known.at);
  return out;
}

bool MapBuilder::counts_flows(const Node& node) const {
  return registry_.account(node.account())->settings.flow_logging &&
         control::counts_flows(node.record.live.hostinfo);
}

bool MapBuilder::is_let_in(const nodes::NodeRecord& record) const {
  const store::User* owner = registry_.user(record.user);
  return record.authorized && owner != nullptr && owner->status != "suspended";
}

bool MapBuilder::shows(const Node& viewer, const Node& peer) const {
  if (!is_let_in(viewer.record) || !is_let_in(peer.record)) return false;
  if (peer.record.wireguard || viewer.record.wireguard) return shows_plain(viewer, peer);
  if (peer.record.live.disco_key.is_zero()) return false;
  return viewer.account() == peer.account() ? policy_.may_meet(viewer, peer)
                                            : shows_stranger(viewer, peer);
}

// A plain WireGuard device knows nodes of its own account only, and some of them those only that
// somebody entered there, under the key of that day.
bool MapBuilder::shows_plain(const Node& viewer, const Node& peer) const {
  if (!peer.record.wireguard || viewer.record.wireguard) return false;
  return viewer.account() == peer.account() && policy_.may_meet(viewer, peer) &&
         peer.record.wireguard->knows(viewer.id(), viewer.record.node_key);
}

// Is `device` shared to the guest's account, and do both policies let the guest reach it? Each side
// must have an address for the other.
bool MapBuilder::may_use(const Node& guest, const Node& device) const {
  return sharing_.share_of(device, guest.account()) != nullptr &&
         registry_.alias(guest.account(), device.id()) &&
         registry_.alias(device.account(), guest.id()) &&
         policy_.may_reach(guest.account(), guest, device) &&
         policy_.may_reach(device.account(), guest, device);
}

bool MapBuilder::shows_stranger(const Node& viewer, const Node& peer) const {
  return may_use(viewer, peer) || may_use(peer, viewer);
}

std::vector<Prefix> MapBuilder::routes_seen(const Node& viewer, const Node& peer) const {
  if (viewer.account() == peer.account()) return policy_.routes_seen(viewer, peer);
  const sharing::Share* share = sharing_.share_of(peer, viewer.account());
  if (share == nullptr || !share->allow_exit_node) return {};
  std::vector<Prefix> out = policy_.routes_seen(viewer.account(), viewer, peer);
  const auto theirs = policy_.routes_seen(peer.account(), viewer, peer);
  std::erase_if(out, [&](const Prefix& route) {
    return !nodes::is_default_route(route) || std::ranges::count(theirs, route) == 0;
  });
  return out;
}

std::string MapBuilder::filters(const Node& node) const {
  return "{\"base\":" + control::encode(filter(node)) + '}';
}

// What guests may not do here is taken out, and whoever is only shown to us may not speak first:
// clients that do not know what `is_jailed` means keep to their filter.
control::FilterRules MapBuilder::filter(const Node& node) const {
  control::FilterRules rules = policy_.filter(node);
  const Bounds limits = bounds(node);
  std::vector<Prefix> subnets = node.routes;
  std::erase_if(subnets, nodes::is_default_route);
  std::vector<IpAddress> own = {node.record.ipv4, node.record.ipv6};
  for (const store::FormerAddress& former : node.record.former) own.push_back(former.address);
  rules = sharing::confine_guests(rules, limits.guests, own, subnets);
  return sharing::silence(rules, limits.silent);
}

control::Node MapBuilder::common(
    const nodes::NodeRecord& record, const std::vector<Prefix>& routes, WallTime now) const {
  const store::Account* account = registry_.account(record.account);
  AYA_CHECK(account != nullptr);
  control::Node out;
  out.id = record.id;
  out.stable_id = record.stable_id;
  out.name = record.label + '.' + account->domain + '.';
  out.user = nodes::shown_user(record);
  out.tags = record.tags;
  out.key = record.shown_key();
  out.key_expiry = record.key_expiry;
  out.disco_key = record.live.disco_key;
  for (const IpAddress& address : nodes::all_addresses(record)) {
    out.addresses.push_back(Prefix::host(address));
  }
  out.allowed_ips = out.addresses;  // clients before 112 do not infer it
  for (const Prefix& route : routes) {
    out.allowed_ips->push_back(route);
    if (!nodes::is_default_route(route)) out.primary_routes.push_back(route);
  }
  out.endpoints = endpoints_of(record.live);
  out.home_derp = record.live.home_region;
  if (out.home_derp != 0) {
    out.legacy_derp = "127.3.3.40:" + std::to_string(out.home_derp);  // before 111
  }
  out.hostinfo = record.live.hostinfo;
  out.hostinfo->net_info.reset();
  control::set_occupied_prefixes(*out.hostinfo, {});
  control::set_counts_flows(*out.hostinfo, false);
  out.created = record.created;
  out.cap = record.live.capver;
  out.machine_authorized = is_let_in(record);
  if (record.wireguard) {
    out.is_wireguard_only = true;
    for (const IpAddress& at : record.wireguard->resolvers) {
      out.exit_node_dns_resolvers.emplace_back().addr = at.to_text();
    }
  }
  if (record.answers_subdomains) out.cap_map["dns-subdomain-resolve"];
  out.expired = record.key_expiry && *record.key_expiry <= now;
  return out;
}

control::Node MapBuilder::self(const Node& node, WallTime now) const {
  control::Node out = common(node.record, nodes::carried_routes(node.record), now);
  out.machine = node.record.machine;
  out.cap_map.merge(self_capabilities(policy_.capabilities(node)));
  if (counts_flows(node)) out.cap_map[control::kFlowLogsCapability];
  add_services(node, out);
  out.online = true;  // it is reading this
  return out;
}

// Those it answers for are addresses of its own, too, whether or not others are sent to it now.
void MapBuilder::add_services(const Node& node, control::Node& out) const {
  std::vector<const store::Service*> hosted;
  for (const std::string& name : node.hosted) {
    const store::Service& service = registry_.find_service(node.account(), name)->record;
    hosted.push_back(&service);
    for (const IpAddress& address : {service.ipv4, service.ipv6}) {
      out.allowed_ips->push_back(Prefix::host(address));
    }
  }
  if (!hosted.empty()) out.cap_map["service-host"] = {hosted_services(hosted)};
  for (const std::string& name : services_of(node)) {
    const store::Service& service = registry_.find_service(node.account(), name)->record;
    out.cap_map["services/" + name] = {service_details(service)};
  }
}

control::Node MapBuilder::peer(
    const Node& node, const std::vector<Prefix>& routes, WallTime now) const {
  control::Node out = common(node.record, routes, now);
  out.online = node.online;  // always said: absent would leave an old value standing (14)
  if (!node.online) out.last_seen = node.record.live.last_seen;
  // Whether a plain device still works nobody can ask it: that is left to people.
  const bool suggested = nodes::is_exit_node(node.record) && !node.record.wireguard;
  if (suggested) out.cap_map["suggest-exit-node"];
  return out;
}

bool MapBuilder::is_personal(const Node& viewer, const Node& peer) const {
  if (viewer.account() != peer.account()) return true;
  return peer.record.wireguard && peer.record.wireguard->clients.contains(viewer.id());
}

control::Node MapBuilder::personal(
    const Node& viewer, const Node& peer, const std::vector<Prefix>& routes, WallTime now) const {
  if (viewer.account() != peer.account()) return stranger(viewer, peer, routes, now);
  control::Node out = this->peer(peer, routes, now);
  const store::WireguardClient& known_as = peer.record.wireguard->clients.at(viewer.id());
  out.self_v4_masq_addr_for_this_peer = known_as.ipv4;
  out.self_v6_masq_addr_for_this_peer = known_as.ipv6;
  return out;
}

control::Node MapBuilder::stranger(
    const Node& viewer, const Node& peer, const std::vector<Prefix>& routes, WallTime now) const {
  control::Node out = this->peer(peer, routes, now);
  const auto known_as = registry_.alias(viewer.account(), peer.id());
  const auto knows_us_as = registry_.alias(peer.account(), viewer.id());
  AYA_CHECK(known_as && knows_us_as);
  out.addresses = {Prefix::host(*known_as), Prefix::host(peer.record.ipv6)};
  out.allowed_ips = out.addresses;
  out.allowed_ips->insert(out.allowed_ips->end(), routes.begin(), routes.end());
  out.primary_routes.clear();
  out.tags.clear();
  out.hostinfo->routable_ips.clear();
  out.hostinfo->request_tags.clear();
  if (routes.empty()) out.cap_map.erase("suggest-exit-node");
  if (*knows_us_as != viewer.record.ipv4) out.self_v4_masq_addr_for_this_peer = *knows_us_as;
  out.user = peer.record.user;
  if (const sharing::Share* share = sharing_.share_of(peer, viewer.account())) {
    if (const auto* invite = sharing_.invite(share->invite)) out.sharer = invite->sharer;
    out.is_jailed = sharing_.share_of(viewer, peer.account()) == nullptr;
  } else {
    out.hostinfo->sharee_node = true;
  }
  return out;
}

control::Node MapBuilder::removed(const nodes::NodeRecord& record, WallTime now) const {
  control::Node out = common(record, nodes::carried_routes(record), now);
  out.machine = record.machine;
  out.key_expiry = now - std::chrono::minutes(1);
  out.expired = true;
  return out;
}

std::vector<UserId> MapBuilder::people_of(const Node& viewer, const Node& peer) const {
  if (viewer.account() == peer.account()) return {nodes::shown_user(peer.record)};
  std::vector<UserId> out = {peer.record.user};
  if (const sharing::Share* share = sharing_.share_of(peer, viewer.account())) {
    if (const auto* invite = sharing_.invite(share->invite)) out.push_back(invite->sharer);
  }
  return out;
}

control::UserProfile MapBuilder::profile(UserId id) const {
  if (id == nodes::kTaggedDevices) {
    control::UserProfile nobody;
    nobody.id = id;
    nobody.login_name = "tagged-devices";
    nobody.display_name = "Tagged Devices";
    return nobody;
  }
  const store::User* user = registry_.user(id);
  AYA_CHECK(user != nullptr);
  control::UserProfile out;
  out.id = id;
  out.login_name = user->login;
  out.display_name = user->display_name;
  return out;
}

std::vector<std::string> MapBuilder::services_of(const Node& node) const {
  std::vector<std::string> out;
  for (const auto& [name, service] : registry_.services(node.account())) {
    const bool hosts = std::ranges::binary_search(node.hosted, name);
    if (hosts || policy_.may_use_service(node, name)) out.push_back(name);
  }
  return out;
}

control::DnsConfig MapBuilder::dns(
    store::AccountId id, const std::vector<std::string>& services) const {
  const store::Account* account = registry_.account(id);
  AYA_CHECK(account != nullptr);
  control::DnsConfig out = account->dns;
  // First, so that a bare name is a node before it is anything else.
  if (out.proxied) out.domains.insert(out.domains.begin(), account->domain);
  out.extra_records.clear();
  for (const control::DnsRecord& record : account->dns.extra_records) {
    add_record(*account, record, out);
  }
  for (const std::string& name : services) {
    if (!out.proxied) break;  // then nodes are not looked up either
    const store::Service& service = registry_.find_service(id, name)->record;
    const std::string full = std::string(nodes::label_of_service(name)) + '.' + account->domain;
    add_record(*account, {full, "A", service.ipv4.to_text()}, out);
    add_record(*account, {full, "AAAA", service.ipv6.to_text()}, out);
  }
  // Machines that are shared to us keep their names.
  for (const store::AccountId sharer : sharing_.sharers_of(id)) {
    if (out.proxied) out.routes[registry_.account(sharer)->domain];
  }
  return out;
}

// Clients know addresses only: a name that stands for a node is told as that node's.
void MapBuilder::add_record(
    const store::Account& account, const control::DnsRecord& record,
    control::DnsConfig& out) const {
  if (record.type == "CNAME") {
    const Node* node = registry_.find_label(
        account.id, std::string_view(record.value).substr(0, record.value.find('.')));
    if (node == nullptr) return;
    out.extra_records.push_back({record.name, "A", node->record.ipv4.to_text()});
    out.extra_records.push_back({record.name, "AAAA", node->record.ipv6.to_text()});
  } else {
    out.extra_records.push_back(record);
  }
  // A host that asks us for some domains only must learn that this name is ours too.
  const bool covered = is_within(record.name, account.domain) ||
                       std::ranges::any_of(out.routes, [&](const auto& route) {
                         return is_within(record.name, route.first);
                       });
  if (!covered) out.routes[record.name];
}

std::shared_ptr<const control::DerpMap> MapBuilder::relays(store::AccountId account) const {
  KeptRelays& kept = kept_relays_[account];
  const nodes::Version policy = registry_.policy_changed(account);
  if (kept.map && kept.directory == relays_.version() && kept.policy == policy) return kept.map;
  control::DerpMap map = relays_.set().map_with(policy_.relays(account));
  if (!kept.map || *kept.map != map) {
    kept.map = std::make_shared<const control::DerpMap>(std::move(map));
  }
  kept.directory = relays_.version();
  kept.policy = policy;
  return kept.map;
}

PeerText MapBuilder::peer_text(
    const Node& viewer, const Node& node, const std::vector<Prefix>& routes, WallTime now) const {
  if (is_personal(viewer, node)) {
    return std::make_shared<const std::string>(
        control::encode(personal(viewer, node, routes, now)));
  }
  if (texts_.size() > registry_.size() + kStaleTexts) texts_.clear();
  KeptTexts& kept = texts_[node.id()];
  if (std::exchange(kept.version, node.last_change) != node.last_change) kept.by_routes.clear();
  PeerText& text = kept.by_routes[routes];
  if (!text) text = std::make_shared<const std::string>(control::encode(peer(node, routes, now)));
  return text;
}

Snapshot MapBuilder::snapshot(const Node& viewer, WallTime now) const {
  const store::Account* account = registry_.account(viewer.account());
  AYA_CHECK(account != nullptr);
  Snapshot snapshot;
  MapMessage& message = snapshot.message;
  control::MapResponse& out = message.rest;
  std::set<NodeId> nodes = registry_.nodes_of(viewer.account());
  for (const Node* stranger : sharing_.strangers_for(viewer)) nodes.insert(stranger->id());
  message.peers.reserve(nodes.size());
  snapshot.shown.reserve(nodes.size());
  out.node = self(viewer, now);
  snapshot.relays = relays(viewer.account());
  out.derp_map = *snapshot.relays;
  if (out.derp_map->home_params->region_score->empty()) out.derp_map->home_params.reset();
  std::set<UserId> people = {nodes::shown_user(viewer.record)};
  for (const NodeId id : nodes) {
    const Node& node = *registry_.find(id);
    if (!shows(viewer, node)) continue;
    std::vector<Prefix> routes = routes_seen(viewer, node);
    message.peers.push_back(peer_text(viewer, node, routes, now));
    snapshot.shown.push_back({id, std::move(routes)});
    for (const UserId user : people_of(viewer, node)) people.insert(user);
  }
  for (const UserId user : people) out.user_profiles.push_back(profile(user));
  message.filters = filters(viewer);
  snapshot.services = services_of(viewer);
  out.dns_config = dns(viewer.account(), snapshot.services);
  out.domain = account->domain;
  out.collect_services = false;
  out.ssh_policy = policy_.ssh(viewer);
  // Deployed clients would send their logs to the hosted service (T-23).
  out.debug.emplace().disable_log_tail = true;
  out.control_time = now;
  return snapshot;
}

}  // namespace aya::mapper
