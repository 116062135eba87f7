// What a network map means for packets, names and routes on this host, given the user's settings:
// pure functions from netmap and prefs to what dataplane, resolver and kernel are to be told.
#pragma once

#include "daemon/dataplane/dataplane.h"
#include "daemon/filter/rules.h"
#include "daemon/netcheck/relay_map.h"
#include "daemon/netmap/netmap.h"
#include "daemon/os/dns_config.h"
#include "daemon/os/routes.h"
#include "proto/local/prefs.h"

namespace aya::app {

// Overlay addresses of a node, IPv4 first.
std::vector<IpAddress> addresses_of(const control::Node& node);

// The prefixes of a peer that we use: its own addresses always, subnet routes if the user accepts
// them, nothing of an expired peer. Default routes belong to exit nodes, which are chosen
// explicitly, so they are never among them.
std::vector<Prefix> used_prefixes(
    const control::Node& peer, const local::Prefs& prefs, bool expired);

dataplane::PeerFacts peer_facts(const control::Node& peer, const local::Prefs& prefs, bool expired);

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

// `peer_prefixes`: used_prefixes() of all peers.
os::RouteConfig route_config(const control::Node& self, std::vector<Prefix> peer_prefixes);

netcheck::RelayMap relay_map(const control::DerpMap& map);

}  // namespace aya::app
