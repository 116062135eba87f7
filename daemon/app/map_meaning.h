// What a network map means for packets, names and routes on this host, given the user's settings:
// pure functions from netmap and prefs to what dataplane, resolver and kernel are to be told.
#pragma once

#include "daemon/dataplane/dataplane.h"
#include "daemon/exit_node/chooser.h"
#include "daemon/filter/rules.h"
#include "daemon/host_dns/resolv_conf.h"
#include "daemon/netcheck/relay_map.h"
#include "daemon/netmap/fold.h"
#include "daemon/os/interfaces.h"
#include "daemon/os/routes.h"
#include "daemon/routing/routing.h"
#include "proto/local/prefs.h"

namespace aya::app {

// Overlay addresses of a node, IPv4 first.
std::vector<IpAddress> addresses_of(const control::Node& node);

// The networks behind a node, without the Internet.
std::vector<Prefix> subnets_of(const control::Node& node);

// `prefixes`: what daemon/routing gives the peer.
dataplane::PeerFacts peer_facts(
    const control::Node& peer, const std::vector<Prefix>& prefixes, bool expired);

// Approved as an exit node: both default routes. One family alone would let the other leak.
bool may_be_exit(const control::Node& node);
// Wants to be one, approved or not.
bool wants_to_be_exit(const control::Node& node);
std::vector<exit_node::Candidate> exit_candidates(const netmap::State& state, WallTime now);
// Which exit node the settings ask for; a node named by its address is looked up in the map.
exit_node::Wish exit_wish(const netmap::Netmap& map, const local::Prefs& prefs);

// What the host is attached to, as daemon/routing wants to know it.
routing::Surroundings surroundings(
    const os::NetworkSnapshot& networks, const host_dns::Base& host_dns,
    const std::vector<IpAddress>& dhcp_servers, const os::RouteAbilities& abilities);

// The addresses that this node answers itself, on every host the same.
std::vector<IpAddress> service_addresses();

// Destinations the packet filter treats as ours: own addresses and approved routes.
std::vector<Prefix> local_destinations(const control::Node& self);

// Holders of node capabilities, for filter sources written "cap:<name>".
filter::CapabilityHolders capability_holders(const netmap::Netmap& map);

// The names that we answer (control 6.8): of nodes where MagicDNS is on, and the map's records.
// Nodes have the addresses of one family, IPv4 if we have it, and of both with the capability
// "magicdns-aaaa". With DNS settings not accepted the names are answered who asks all the same, but
// nothing is said about others of their domains (control 14).
dns::ResolverConfig resolver_config(const netmap::Netmap& map, const local::Prefs& prefs);

// Where the resolver sends what is not ours. Without an exit node, and with one that cannot answer
// names: the map's resolvers and routes, else the host's own servers. With one that can, everything
// goes to it but for the resolvers that the map marks UseWithExitNode. With DNS settings not
// accepted nothing is forwarded.
//
// A resolver by URL needs addresses of its host that were not asked of itself: from the map, from
// our list of public ones, or from the host's own servers, to which its name is routed.
//
// `host_servers`: the host's own. `exit`: the node in use; nullptr: none.
dns::ForwarderConfig forwarder_config(
    const netmap::Netmap& map, const local::Prefs& prefs,
    const std::vector<IpAddress>& host_servers, const control::Node* exit);

// A peer by its stable id; nullptr: there is none.
const control::Node* find_peer(const netmap::Netmap& map, const std::string& stable_id);

// Where an exit node answers DNS over HTTP inside the tunnel; nullopt: it does not.
std::optional<std::string> exit_dns_url(const control::Node& self, const control::Node& exit);

// What the host's resolver is to be told; nullopt: leave it alone. Every name comes to us only
// where the map has servers for every name, or an exit node answers them: `exit` as above.
std::optional<host_dns::Wanted> wanted_dns(
    const netmap::Netmap& map, const local::Prefs& prefs, const control::Node* exit);

os::RouteConfig route_config(const routing::Decision& decision);

netcheck::RelayMap relay_map(const control::DerpMap& map);

}  // namespace aya::app
