#include "daemon/app/map_meaning.h"

#include <algorithm>
#include <functional>

#include "daemon/app/status_view.h"
#include "daemon/dns/public_resolvers.h"
#include "daemon/netmap/expiry.h"
#include "proto/http/target.h"
#include "proto/idna/international_name.h"
#include "proto/netaddr/overlay_range.h"
#include "proto/netaddr/site_address.h"

namespace aya::app {
namespace {

constexpr std::string_view kBothFamilies = "magicdns-aaaa";
constexpr std::string_view kSubdomains = "dns-subdomain-resolve";
constexpr int kCanAnswerNames = 26;  // capability versions from here on

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Fully qualified, as DNS carries it and in lower case, as the resolver's tables want it.
std::string dns_key(std::string_view name) {
  std::string out(name);
  if (!idna::is_ascii(out)) out = idna::ascii_form(out).value_or(out);
  std::ranges::transform(out, out.begin(), lower);
  if (!out.ends_with('.')) out += '.';
  return out;
}

// As the host's resolver wants it: no final dot, nothing twice.
void add_domain(std::string_view domain, std::vector<std::string>& out) {
  if (domain.ends_with('.')) domain.remove_suffix(1);
  if (domain.empty() || std::ranges::find(out, domain) != out.end()) return;
  out.emplace_back(domain);
}

// Asking ourselves would be a loop.
std::vector<Endpoint> but_ourselves(const std::vector<IpAddress>& servers) {
  std::vector<Endpoint> out;
  for (const IpAddress& server : servers) {
    if (!dns::Service::is_service_address(server)) out.push_back({server, dns::kDnsPort});
  }
  return out;
}

constexpr const char* kSuggestExitNode = "suggest-exit-node";  // control 8.4

bool has_both_defaults(const std::vector<Prefix>& prefixes) {
  bool v4 = false, v6 = false;
  for (const Prefix& prefix : prefixes) {
    if (prefix.length == 0) (prefix.address.is_v4() ? v4 : v6) = true;
  }
  return v4 && v6;
}

void add_nodes(const netmap::Netmap& map, dns::ResolverConfig& out) {
  const auto own = addresses_of(map.self);
  const bool self_has_v4 = std::ranges::any_of(own, &IpAddress::is_v4);
  const bool both = map.self.cap_map.contains(std::string(kBothFamilies));
  const auto add = [&](const control::Node& node) {
    if (node.name.empty()) return;
    const auto all = addresses_of(node);
    // IPv4 reaches every peer that we can, and one family is quicker.
    const bool has_v4 = std::ranges::any_of(all, &IpAddress::is_v4);
    const std::string name = dns_key(node.name);
    auto& addresses = out.hosts[name];
    for (const IpAddress& address : all) {
      const bool wanted = self_has_v4 ? address.is_v4() || both || !has_v4 : address.is_v6();
      if (wanted) addresses.push_back(address);
    }
    if (node.cap_map.contains(std::string(kSubdomains))) out.subdomain_hosts.insert(name);
  };
  add(map.self);
  for (const auto& [id, peer] : map.peers) add(peer);
}

// Resolvers of the map as servers to ask.
class UpstreamWriter {
 public:
  // `own`: servers that can be asked for the addresses of others. With `only_marked` resolvers not
  // marked UseWithExitNode are left out.
  UpstreamWriter(dns::ForwarderConfig& out, const std::vector<Endpoint>& own, bool only_marked)
      : out_(out), own_(own), only_marked_(only_marked) {}

  dns::Upstreams servers(const std::vector<control::Resolver>& resolvers) {
    dns::Upstreams out;
    for (const control::Resolver& resolver : resolvers) {
      if (only_marked_ && !resolver.use_with_exit_node) continue;
      if (const auto address = IpAddress::parse(resolver.addr)) {
        out.emplace_back(Endpoint{*address, dns::kDnsPort});
      } else if (const auto at = Endpoint::parse(resolver.addr)) {
        out.emplace_back(*at);
      } else if (const auto url = http::Url::parse(resolver.addr)) {
        out.emplace_back(resolver.addr, addresses_of_host(*url, resolver));
      }
    }
    return out;
  }

 private:
  std::vector<IpAddress> addresses_of_host(
      const http::Url& url, const control::Resolver& resolver) {
    if (!resolver.bootstrap_resolution.empty()) return resolver.bootstrap_resolution;
    if (IpAddress::parse(url.host)) return {};
    if (auto known = dns::public_resolver_addresses(url.host); !known.empty()) return known;
    if (!own_.empty()) out_.routes[dns_key(url.host)].assign(own_.begin(), own_.end());
    return {};
  }

  dns::ForwarderConfig& out_;
  const std::vector<Endpoint>& own_;
  bool only_marked_;
};

}  // namespace

std::vector<IpAddress> addresses_of(const control::Node& node) {
  std::vector<IpAddress> out;
  for (const Prefix& prefix : node.addresses) out.push_back(prefix.address);
  std::stable_partition(out.begin(), out.end(), std::mem_fn(&IpAddress::is_v4));
  return out;
}

bool may_be_exit(const control::Node& node) {
  return node.allowed_ips && has_both_defaults(*node.allowed_ips);
}

bool wants_to_be_exit(const control::Node& node) {
  return node.hostinfo && has_both_defaults(node.hostinfo->routable_ips);
}

std::vector<exit_node::Candidate> exit_candidates(const netmap::State& state, WallTime now) {
  std::vector<exit_node::Candidate> out;
  for (const auto& [id, peer] : state.netmap.peers) {
    if (!may_be_exit(peer) || netmap::peer_is_expired(peer, state, now)) continue;
    exit_node::Candidate& one = out.emplace_back();
    one.id = peer.stable_id;
    one.online = peer.online.value_or(true);
    one.suggested = peer.cap_map.contains(kSuggestExitNode);
    one.answers_pings = !peer.disco_key.is_zero() && !peer.is_wireguard_only;
    one.home = peer.home_derp;
    const auto location = peer.hostinfo ? peer.hostinfo->location() : std::nullopt;
    if (location) one.priority = location->priority;
  }
  return out;
}

exit_node::Wish exit_wish(const netmap::Netmap& map, const local::Prefs& prefs) {
  using Kind = exit_node::Wish::Kind;
  const bool unresolved_auto = prefs.exit_node_id.starts_with(local::kAutoExitNodePrefix);
  if (!prefs.auto_exit_node.empty() || unresolved_auto) {
    return {Kind::Auto, unresolved_auto ? std::string() : prefs.exit_node_id};
  }
  const auto named = routing::named_exit_node(prefs, map);
  return named ? exit_node::Wish{Kind::Named, *named} : exit_node::Wish{};
}

// Services have addresses of the mesh, and are no subnets of their hosts.
std::vector<Prefix> subnets_of(const control::Node& node) {
  std::vector<Prefix> out;
  if (!node.allowed_ips) return out;
  for (const Prefix& route : *node.allowed_ips) {
    const bool own = std::ranges::count(node.addresses, route) != 0;
    const bool service = route.is_host() && is_in_overlay_range(route.address) &&
                         !site_range().contains(route.address);
    if (route.length != 0 && !own && !service) out.push_back(route);
  }
  return out;
}

dataplane::PeerFacts peer_facts(
    const control::Node& peer, const std::vector<Prefix>& prefixes, bool expired) {
  dataplane::PeerFacts out;
  out.path.node_key = peer.key;
  out.path.disco_key = peer.disco_key;
  out.path.capability_version = static_cast<unsigned>(std::max(peer.cap, 0));
  // Without a disco key no direct path can be proven, unless the peer is plain WireGuard.
  const bool provable = !peer.disco_key.is_zero() || peer.is_wireguard_only;
  if (!expired) {
    if (provable) out.path.endpoints = peer.endpoints;
    out.path.home_region = peer.home_derp;
  }
  out.allowed_ips = prefixes;
  out.addresses = addresses_of(peer);
  for (const auto& alias :
       {peer.self_v4_masq_addr_for_this_peer, peer.self_v6_masq_addr_for_this_peer}) {
    if (alias) out.knows_us_as.push_back(*alias);
  }
  out.is_jailed = peer.is_jailed;
  out.subnets = subnets_of(peer);
  return out;
}

routing::Surroundings surroundings(
    const os::NetworkSnapshot& networks, const host_dns::Base& host_dns,
    const std::vector<IpAddress>& dhcp_servers, const os::RouteAbilities& abilities) {
  routing::Surroundings out;
  out.policy_routing = abilities.policy_routing;
  for (const os::HostRoute& route : networks.routes) {
    const os::Interface* link = networks.find(route.interface_index);
    if (link == nullptr) continue;
    auto& list = route.on_link ? out.lans : out.other_routes;
    list.push_back({route.destination, link->name, link->is_container_plumbing()});
  }
  for (const os::Interface& link : networks.interfaces) {
    if (link.loopback) continue;
    for (const os::InterfaceAddress& own : link.addresses) out.own.push_back(own.prefix.address);
  }
  for (const auto& route : {networks.default4, networks.default6}) {
    if (route && route->gateway) out.gateways.push_back(*route->gateway);
  }
  out.servers = host_dns.nameservers;
  // Leases of networks that the host has left are on file as well.
  for (const IpAddress& server : dhcp_servers) {
    const bool near =
        std::ranges::any_of(out.lans, [&](const auto& lan) { return lan.prefix.contains(server); });
    if (near) out.servers.push_back(server);
  }
  return out;
}

std::vector<IpAddress> service_addresses() {
  return {dns::kServiceAddress4, dns::service_address_6()};
}

std::vector<Prefix> local_destinations(const control::Node& self) {
  return self.allowed_ips ? *self.allowed_ips : self.addresses;
}

filter::CapabilityHolders capability_holders(const netmap::Netmap& map) {
  filter::CapabilityHolders out;
  for (const auto& [id, peer] : map.peers) {
    for (const auto& [name, values] : peer.cap_map) {
      for (const IpAddress& address : addresses_of(peer)) out[name].push_back(address);
    }
  }
  return out;
}

dns::ResolverConfig resolver_config(const netmap::Netmap& map, const local::Prefs& prefs) {
  dns::ResolverConfig out;
  if (!map.dns) return out;
  if (map.dns->proxied) add_nodes(map, out);
  for (const auto& record : map.dns->extra_records) {
    const bool is_address = record.type.empty() || record.type == "A" || record.type == "AAAA";
    if (const auto address = IpAddress::parse(record.value); is_address && address) {
      out.hosts[dns_key(record.name)].push_back(*address);
    }
  }
  if (!prefs.corp_dns) return out;

  const std::string suffix = map.magic_dns_suffix();
  if (map.dns->proxied && !suffix.empty()) out.local_domains.push_back(dns_key(suffix));
  for (const auto& [domain, resolvers] : map.dns->routes) {
    if (resolvers.empty()) out.local_domains.push_back(dns_key(domain));
  }
  if (map.dns->proxied) {
    for (std::string& zone : dns::overlay_reverse_zones()) {
      out.local_domains.push_back(std::move(zone));
    }
  }
  return out;
}

const control::Node* find_peer(const netmap::Netmap& map, const std::string& stable_id) {
  const auto found = std::ranges::find_if(
      map.peers, [&](const auto& peer) { return peer.second.stable_id == stable_id; });
  return stable_id.empty() || found == map.peers.end() ? nullptr : &found->second;
}

std::optional<std::string> exit_dns_url(const control::Node& self, const control::Node& exit) {
  if (!exit.hostinfo) return std::nullopt;
  const auto port_of = [&](std::string_view service) -> std::uint16_t {
    for (const control::Service& offered : exit.hostinfo->services) {
      if (offered.proto == service) return offered.port;
    }
    return 0;
  };
  if (exit.cap < kCanAnswerNames && port_of("peerapi-dns-proxy") == 0) return std::nullopt;
  const auto own = addresses_of(self), its = addresses_of(exit);
  for (const bool v4 : {true, false}) {
    const auto same = [v4](const IpAddress& address) { return address.is_v4() == v4; };
    const auto at = std::ranges::find_if(its, same);
    const std::uint16_t port = port_of(v4 ? "peerapi4" : "peerapi6");
    if (port == 0 || at == its.end() || std::ranges::none_of(own, same)) continue;
    return "http://" + Endpoint{*at, port}.to_text() + "/dns-query";
  }
  return std::nullopt;
}

namespace {

// By itself, or by servers behind it that are ours to use with it.
bool answers_names(const control::Node& self, const control::Node& exit) {
  if (exit.is_wireguard_only && !exit.exit_node_dns_resolvers.empty()) return true;
  return exit_dns_url(self, exit).has_value();
}

}  // namespace

dns::ForwarderConfig forwarder_config(
    const netmap::Netmap& map, const local::Prefs& prefs,
    const std::vector<IpAddress>& host_servers, const control::Node* exit) {
  const std::vector<Endpoint> own = but_ourselves(host_servers);
  dns::ForwarderConfig out;
  if (!prefs.corp_dns) {
    out.for_peers.assign(own.begin(), own.end());
    return out;
  }
  const auto through_exit = exit != nullptr ? exit_dns_url(map.self, *exit) : std::nullopt;
  UpstreamWriter to(out, own, through_exit.has_value());
  if (map.dns) {
    out.upstreams = to.servers(map.dns->resolvers);
    for (const auto& [suffix, resolvers] : map.dns->routes) {
      if (auto servers = to.servers(resolvers); !servers.empty()) {
        out.routes[dns_key(suffix)] = std::move(servers);
      }
    }
  }
  if (out.upstreams.empty() && through_exit) {
    out.upstreams.emplace_back(*through_exit, std::vector<IpAddress>{});
    out.for_peers.assign(own.begin(), own.end());  // two exits of each other would go in circles
  }
  if (out.upstreams.empty() && exit != nullptr) {
    // One that answers no names: the servers of the network we sit in may be out of reach.
    out.upstreams = to.servers(
        exit->is_wireguard_only ? exit->exit_node_dns_resolvers
        : map.dns               ? map.dns->fallback_resolvers
                                : std::vector<control::Resolver>{});
  }
  if (out.upstreams.empty()) out.upstreams.assign(own.begin(), own.end());
  return out;
}

std::optional<host_dns::Wanted> wanted_dns(
    const netmap::Netmap& map, const local::Prefs& prefs, const control::Node* exit) {
  if (!prefs.corp_dns) return std::nullopt;
  const control::DnsConfig said = map.dns.value_or(control::DnsConfig{});
  host_dns::Wanted out;
  out.nameservers = {dns::kServiceAddress4};
  out.all_names = !said.resolvers.empty() || (exit != nullptr && answers_names(map.self, *exit));
  if (!out.all_names && !said.proxied && said.routes.empty()) return std::nullopt;
  for (const std::string& domain : said.domains) add_domain(domain, out.search_domains);
  for (const auto& [suffix, resolvers] : said.routes) add_domain(suffix, out.match_domains);
  if (said.proxied) {
    add_domain(map.magic_dns_suffix(), out.match_domains);
    for (const auto& record : said.extra_records) add_domain(record.name, out.match_domains);
    for (const std::string& zone : dns::overlay_reverse_zones()) {
      add_domain(zone, out.match_domains);
    }
  }
  return out;
}

os::RouteConfig route_config(const routing::Decision& decision) {
  return {
      .addresses = decision.addresses,
      .routes = decision.routes,
      .throws = decision.throws,
      .unreachable = decision.unreachable};
}

netcheck::RelayMap relay_map(const control::DerpMap& map) {
  netcheck::RelayMap out;
  if (map.home_params && map.home_params->region_score) {
    out.score = *map.home_params->region_score;
  }
  if (!map.regions) return out;
  for (const auto& [id, region] : *map.regions) {
    netcheck::RelayRegion& into = out.regions.emplace_back();
    into.id = id;
    into.code = region.region_code;
    into.name = region.region_name;
    into.no_measure_no_home = region.no_measure_no_home;
    into.avoid = region.avoid;
    for (const auto& node : region.nodes) {
      into.nodes.push_back(
          {.name = node.name,
           .host = node.host_name,
           .ipv4 = node.ipv4,
           .ipv6 = node.ipv6,
           .stun_port = node.stun_port,
           .stun_test_ip = node.stun_test_ip});
    }
  }
  return out;
}

}  // namespace aya::app
