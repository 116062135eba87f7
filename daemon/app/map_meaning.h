// What a network map means for packets, names and routes on this host, given the user's settings:
// pure functions from netmap and prefs to what dataplane, resolver and kernel are to be told.
#pragma once

#include "daemon/dataplane/dataplane.h"
#include "daemon/filter/rules.h"
#include "daemon/netcheck/relay_map.h"
#include "daemon/netmap/netmap.h"
#include "daemon/os/dns_config.h"
#include "daemon/os/interfaces.h"
#include "daemon/os/routes.h"
#include "daemon/routing/routing.h"
#include "proto/local/prefs.h"

namespace aya::app {

// Overlay addresses of a node, IPv4 first.
std::vector<IpAddress> addresses_of(const control::Node& node);

// `prefixes`: what daemon/routing gives the peer.
dataplane::PeerFacts peer_facts(
    const control::Node& peer, const std::vector<Prefix>& prefixes, bool expired);

// What the host is attached to, as daemon/routing wants to know it.
routing::Surroundings surroundings(
    const os::NetworkSnapshot& networks, const os::DnsBase& host_dns,
    const os::RouteAbilities& abilities);

// The addresses that this node answers itself, on every host the same.
std::vector<IpAddress> service_addresses();

// Destinations the packet filter treats as ours: own addresses and approved routes.
std::vector<Prefix> local_destinations(const control::Node& self);

// Holders of node capabilities, for filter sources written "cap:<name>".
filter::CapabilityHolders capability_holders(const netmap::Netmap& map);

// MagicDNS names (control 6.8); empty where the map has it off.
dns::ResolverConfig resolver_config(const netmap::Netmap& map);

// Where the resolver sends what is not ours: the map's resolvers, else the host's own. Resolvers
// that are not a plain address (DoH) are left out.
dns::ForwarderConfig forwarder_config(const netmap::Netmap& map, const os::DnsBase& host);

// What the host's resolver is to be told; nullopt: leave it alone.
std::optional<os::DnsWanted> host_dns(const netmap::Netmap& map, const local::Prefs& prefs);

os::RouteConfig route_config(const routing::Decision& decision);

netcheck::RelayMap relay_map(const control::DerpMap& map);

}  // namespace aya::app
