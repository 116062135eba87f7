#include "daemon/app/map_meaning.h"

#include <algorithm>
#include <functional>

namespace aya::app {
namespace {

constexpr std::uint16_t kDnsPort = 53;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Fully qualified and in lower case, as the resolver's tables want it.
std::string dns_key(std::string_view name) {
  std::string out(name);
  std::ranges::transform(out, out.begin(), lower);
  if (!out.ends_with('.')) out += '.';
  return out;
}

std::optional<Endpoint> plain_server(const control::Resolver& resolver) {
  if (const auto address = IpAddress::parse(resolver.addr)) return Endpoint{*address, kDnsPort};
  return Endpoint::parse(resolver.addr);
}

std::vector<Endpoint> plain_servers(const std::vector<control::Resolver>& resolvers) {
  std::vector<Endpoint> out;
  for (const auto& resolver : resolvers) {
    if (const auto server = plain_server(resolver)) out.push_back(*server);
  }
  return out;
}

}  // namespace

std::vector<IpAddress> addresses_of(const control::Node& node) {
  std::vector<IpAddress> out;
  for (const Prefix& prefix : node.addresses) out.push_back(prefix.address);
  std::stable_partition(out.begin(), out.end(), std::mem_fn(&IpAddress::is_v4));
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
  return out;
}

routing::Surroundings surroundings(
    const os::NetworkSnapshot& networks, const os::DnsBase& host_dns,
    const os::RouteAbilities& abilities) {
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

dns::ResolverConfig resolver_config(const netmap::Netmap& map) {
  dns::ResolverConfig out;
  if (!map.dns || !map.dns->proxied) return out;

  const auto own = addresses_of(map.self);
  const bool self_has_v4 = std::ranges::any_of(own, &IpAddress::is_v4);
  const auto add = [&](const control::Node& node) {
    if (node.name.empty()) return;
    auto& addresses = out.hosts[dns_key(node.name)];
    for (const IpAddress& address : addresses_of(node)) {
      // One family is enough and quicker; IPv4 reaches every peer that we can.
      if (address.is_v4() == self_has_v4) addresses.push_back(address);
    }
  };
  add(map.self);
  for (const auto& [id, peer] : map.peers) add(peer);
  for (const auto& record : map.dns->extra_records) {
    if (const auto address = IpAddress::parse(record.value)) {
      out.hosts[dns_key(record.name)].push_back(*address);
    }
  }

  if (const std::string suffix = map.magic_dns_suffix(); !suffix.empty()) {
    out.local_domains.push_back(dns_key(suffix));
  }
  for (const auto& [suffix, resolvers] : map.dns->routes) {
    if (resolvers.empty()) out.local_domains.push_back(dns_key(suffix));
  }
  for (std::string& zone : dns::overlay_reverse_zones()) {
    out.local_domains.push_back(std::move(zone));
  }
  return out;
}

dns::ForwarderConfig forwarder_config(const netmap::Netmap& map, const os::DnsBase& host) {
  dns::ForwarderConfig out;
  if (map.dns) {
    out.upstreams = plain_servers(map.dns->resolvers);
    for (const auto& [suffix, resolvers] : map.dns->routes) {
      if (auto servers = plain_servers(resolvers); !servers.empty()) {
        out.routes[dns_key(suffix)] = std::move(servers);
      }
    }
  }
  if (out.upstreams.empty()) {
    for (const IpAddress& server : host.nameservers) {
      // Ourselves would be a loop.
      if (!dns::Service::is_service_address(server)) out.upstreams.push_back({server, kDnsPort});
    }
  }
  return out;
}

std::optional<os::DnsWanted> host_dns(const netmap::Netmap& map, const local::Prefs& prefs) {
  if (!prefs.corp_dns || !map.dns) return std::nullopt;
  const bool anything_to_answer =
      map.dns->proxied || !map.dns->resolvers.empty() || !map.dns->routes.empty();
  if (!anything_to_answer) return std::nullopt;
  os::DnsWanted out;
  out.nameservers = {dns::kServiceAddress4};
  for (std::string_view domain : map.dns->domains) {
    if (domain.ends_with('.')) domain.remove_suffix(1);
    if (!domain.empty()) out.search_domains.emplace_back(domain);
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
