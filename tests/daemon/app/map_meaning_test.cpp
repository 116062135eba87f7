// What a map means for packets, names and routes.
#include "daemon/app/map_meaning.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/seeded_rng.h"

namespace aya::app {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Prefix net(const char* text) { return *Prefix::parse(text); }
IpAddress ip(const char* text) { return *IpAddress::parse(text); }
control::Resolver server(const char* address) {
  control::Resolver out;
  out.addr = address;
  return out;
}

dns::Upstream at(const char* endpoint) { return *Endpoint::parse(endpoint); }

class MapMeaning : public testing::Test {
 protected:
  MapMeaning() {
    map.self.id = netmap::NodeId{1};
    map.self.name = "Alpha.mesh.test.";
    map.self.addresses = {net("fd7a::1/128"), net("100.64.0.1/32")};
    peer.id = netmap::NodeId{2};
    peer.name = "Beta.mesh.test.";
    peer.key = NodePrivateKey::generate(rng).public_key();
    peer.disco_key = DiscoPrivateKey::generate(rng).public_key();
    peer.addresses = {net("100.64.0.2/32"), net("fd7a::2/128")};
    peer.allowed_ips = {
        net("100.64.0.2/32"), net("fd7a::2/128"), net("10.0.0.0/8"), net("0.0.0.0/0"), net("::/0")};
    peer.endpoints = {*Endpoint::parse("192.0.2.2:2")};
    peer.home_derp = 7;
  }
  void add_peer() { map.peers[peer.id] = peer; }

  test::SeededRng rng;
  netmap::Netmap map;
  control::Node peer;
  local::Prefs prefs;
};

TEST_F(MapMeaning, AddressesComeIpv4First) {
  EXPECT_THAT(addresses_of(map.self), ElementsAre(ip("100.64.0.1"), ip("fd7a::1")));
}

TEST_F(MapMeaning, ExitNodesAreThosePeersThatAreApprovedAndNotExpired) {
  netmap::State state;
  peer.stable_id = "n2";
  peer.cap_map["suggest-exit-node"];
  peer.online = true;
  peer.hostinfo.emplace().others["Location"] = {R"({"Country":"Japan","Priority":7})"};
  state.netmap.peers[peer.id] = peer;
  control::Node offers_only = peer;
  offers_only.id = netmap::NodeId{3};
  offers_only.allowed_ips = offers_only.addresses;
  offers_only.hostinfo->routable_ips = {net("0.0.0.0/0"), net("::/0")};
  state.netmap.peers[offers_only.id] = offers_only;
  control::Node expired = peer;
  expired.id = netmap::NodeId{4};
  expired.expired = true;
  state.netmap.peers[expired.id] = expired;

  const auto found = exit_candidates(state, WallTime{});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(
      found.front(), (exit_node::Candidate{
                         .id = "n2", .online = true, .suggested = true, .home = 7, .priority = 7}));
  EXPECT_TRUE(wants_to_be_exit(offers_only));
  EXPECT_FALSE(wants_to_be_exit(peer));
  // One family alone would let the other leak.
  peer.allowed_ips = {net("100.64.0.2/32"), net("0.0.0.0/0")};
  EXPECT_FALSE(may_be_exit(peer));
}

TEST_F(MapMeaning, TheWishForAnExitNodeNamesANode) {
  using Kind = exit_node::Wish::Kind;
  peer.stable_id = "n2";
  map.self.stable_id = "n1";
  add_peer();
  const auto wish = [&](const char* choice) {
    return exit_wish(map, local::with_exit_node_choice({}, choice));
  };
  EXPECT_EQ(wish(""), exit_node::Wish{});
  EXPECT_EQ(wish("n9"), (exit_node::Wish{Kind::Named, "n9"}));
  EXPECT_EQ(wish("100.64.0.2"), (exit_node::Wish{Kind::Named, "n2"}));
  EXPECT_EQ(wish("fd7a::2"), (exit_node::Wish{Kind::Named, "n2"}));
  EXPECT_EQ(wish("100.64.0.1"), (exit_node::Wish{Kind::Named, ""})) << "ourselves";
  EXPECT_EQ(wish("100.64.0.77"), (exit_node::Wish{Kind::Named, ""})) << "nobody";
  EXPECT_EQ(wish("auto:any"), (exit_node::Wish{Kind::Auto, ""}));
  local::Prefs settled = local::with_exit_node_choice({}, "auto:any");
  settled.exit_node_id = "n2";
  EXPECT_EQ(exit_wish(map, settled), (exit_node::Wish{Kind::Auto, "n2"}));
}

TEST_F(MapMeaning, AnExpiredPeerHasNoWayAndOneWithoutDiscoKeyOnlyTheRelay) {
  auto facts = peer_facts(peer, {net("10.0.0.0/8")}, false);
  EXPECT_THAT(facts.allowed_ips, ElementsAre(net("10.0.0.0/8")));
  EXPECT_EQ(facts.path.endpoints, peer.endpoints);
  EXPECT_EQ(facts.path.home_region, 7);
  EXPECT_EQ(facts.path.node_key, peer.key);
  facts = peer_facts(peer, {}, true);
  EXPECT_THAT(facts.path.endpoints, IsEmpty());
  EXPECT_EQ(facts.path.home_region, 0);
  EXPECT_THAT(facts.allowed_ips, IsEmpty());

  peer.disco_key = {};
  facts = peer_facts(peer, {}, false);
  EXPECT_THAT(facts.path.endpoints, IsEmpty());
  EXPECT_EQ(facts.path.home_region, 7);
  peer.is_wireguard_only = true;
  EXPECT_EQ(peer_facts(peer, {}, false).path.endpoints, peer.endpoints);
}

TEST_F(MapMeaning, TheFilterGuardsAddressesAndApprovedRoutes) {
  EXPECT_EQ(local_destinations(map.self), map.self.addresses);
  map.self.allowed_ips = {net("100.64.0.1/32"), net("192.168.0.0/24")};
  EXPECT_EQ(local_destinations(map.self), *map.self.allowed_ips);
}

TEST_F(MapMeaning, CapabilitiesAreHeldByAddresses) {
  peer.cap_map["cap/x"];
  add_peer();
  const auto holders = capability_holders(map);
  EXPECT_EQ(holders.size(), 1u);
  EXPECT_THAT(holders.at("cap/x"), ElementsAre(ip("100.64.0.2"), ip("fd7a::2")));
}

TEST_F(MapMeaning, NamesAreKnownWhereMagicDnsIsOn) {
  add_peer();
  EXPECT_THAT(resolver_config(map, prefs).hosts, IsEmpty());
  map.dns.emplace();
  EXPECT_THAT(resolver_config(map, prefs).hosts, IsEmpty());
  EXPECT_THAT(resolver_config(map, prefs).local_domains, IsEmpty());
  map.dns->proxied = true;
  map.dns->extra_records = {
      {"Printer.Office", "A", "10.1.1.1"},
      {"台所.office", "", "10.1.1.2"},
      {"bad.test", "A", "nonsense"},
      {"mail.test", "TXT", "10.1.1.3"}};
  map.dns->routes["corp.test"] = {};
  map.dns->routes["far.test"] = {server("10.0.0.53")};
  const auto config = resolver_config(map, prefs);
  EXPECT_EQ(config.hosts.size(), 4u);
  EXPECT_THAT(config.hosts.at("alpha.mesh.test."), ElementsAre(ip("100.64.0.1")));
  EXPECT_THAT(config.hosts.at("beta.mesh.test."), ElementsAre(ip("100.64.0.2")));
  EXPECT_THAT(config.hosts.at("printer.office."), ElementsAre(ip("10.1.1.1")));
  EXPECT_THAT(config.hosts.at("xn--kpry64a.office."), ElementsAre(ip("10.1.1.2")));
  EXPECT_THAT(config.local_domains, testing::IsSupersetOf({"mesh.test.", "corp.test."}));
  EXPECT_THAT(config.local_domains, testing::Not(testing::Contains("far.test.")));
  EXPECT_THAT(config.subdomain_hosts, IsEmpty());
}

TEST_F(MapMeaning, AddressesOfBothFamiliesAreToldToWhoMayHaveThem) {
  map.dns.emplace().proxied = true;
  add_peer();
  const auto of_peer = [&] { return resolver_config(map, prefs).hosts.at("beta.mesh.test."); };
  map.peers[peer.id].addresses = {net("fd7a::2/128")};
  EXPECT_THAT(of_peer(), ElementsAre(ip("fd7a::2"))) << "it has no other";
  add_peer();
  map.self.cap_map["magicdns-aaaa"];
  EXPECT_THAT(of_peer(), ElementsAre(ip("100.64.0.2"), ip("fd7a::2")));
  map.self.addresses = {net("fd7a::1/128")};
  EXPECT_THAT(of_peer(), ElementsAre(ip("fd7a::2"))) << "we have IPv6 only";
}

TEST_F(MapMeaning, SubdomainsAreOfThoseWithTheCapability) {
  map.dns.emplace().proxied = true;
  peer.cap_map["dns-subdomain-resolve"];
  add_peer();
  EXPECT_THAT(resolver_config(map, prefs).subdomain_hosts, ElementsAre("beta.mesh.test."));
  map.self.cap_map["dns-subdomain-resolve"];
  EXPECT_THAT(
      resolver_config(map, prefs).subdomain_hosts,
      ElementsAre("alpha.mesh.test.", "beta.mesh.test."));
}

TEST_F(MapMeaning, WithoutConsentNamesAreAnsweredAndNothingElse) {
  map.dns.emplace().proxied = true;
  map.dns->resolvers = {server("192.0.2.1")};
  prefs.corp_dns = false;
  EXPECT_EQ(resolver_config(map, prefs).hosts.size(), 1u);
  EXPECT_THAT(resolver_config(map, prefs).local_domains, IsEmpty());
  const std::vector host = {ip("192.0.2.53")};
  const auto config = forwarder_config(map, prefs, host, nullptr);
  EXPECT_THAT(config.upstreams, IsEmpty());
  EXPECT_THAT(config.for_peers, ElementsAre(at("192.0.2.53:53")));
}

TEST_F(MapMeaning, QuestionsForOthersGoToTheMapsServersElseTheHosts) {
  const std::vector host = {ip("100.100.100.100"), ip("192.0.2.53")};
  EXPECT_THAT(
      forwarder_config(map, prefs, host, nullptr).upstreams, ElementsAre(at("192.0.2.53:53")));
  map.dns.emplace();
  map.dns->routes["far.test"] = {server("10.0.0.53"), server("tls://dot.test")};
  map.dns->routes["here.test"] = {};
  map.dns->resolvers = {server("tls://dot.test")};
  auto config = forwarder_config(map, prefs, host, nullptr);
  EXPECT_THAT(config.upstreams, ElementsAre(at("192.0.2.53:53")));
  EXPECT_EQ(config.routes.size(), 1u);
  EXPECT_THAT(config.routes.at("far.test."), ElementsAre(at("10.0.0.53:53")));
  map.dns->resolvers.push_back(server("[2001:db8::53]:5353"));
  config = forwarder_config(map, prefs, host, nullptr);
  EXPECT_THAT(config.upstreams, ElementsAre(at("[2001:db8::53]:5353")));
  EXPECT_THAT(config.for_peers, IsEmpty()) << "the same as for the host";
}

TEST_F(MapMeaning, ServersByUrlHaveAddressesThatWereNotAskedOfThemselves) {
  const std::vector host = {ip("192.0.2.53")};
  map.dns.emplace().resolvers = {
      server("https://dns.quad9.net/dns-query"), server("https://DoH.test/q"),
      server("https://told.test/q"), server("https://192.0.2.99/q")};
  map.dns->resolvers[2].bootstrap_resolution = {ip("192.0.2.98")};
  const auto config = forwarder_config(map, prefs, host, nullptr);
  ASSERT_EQ(config.upstreams.size(), 4u);
  EXPECT_EQ(config.upstreams[0].addresses.at(0), ip("9.9.9.9"));
  EXPECT_THAT(config.upstreams[1].addresses, IsEmpty());
  EXPECT_THAT(config.upstreams[2].addresses, ElementsAre(ip("192.0.2.98")));
  EXPECT_THAT(config.upstreams[3].addresses, IsEmpty());
  EXPECT_EQ(config.routes.size(), 1u);
  EXPECT_THAT(config.routes.at("doh.test."), ElementsAre(at("192.0.2.53:53")));
}

class ExitDns : public MapMeaning {
 protected:
  ExitDns() {
    peer.cap = 141;
    peer.hostinfo.emplace().services = {
        {"peerapi6", 4006, ""}, {"peerapi4", 4004, ""}, {"peerapi-dns-proxy", 1, ""}};
    map.dns.emplace().proxied = true;
    map.dns->resolvers = {server("192.0.2.1")};
    map.dns->fallback_resolvers = {server("192.0.2.2")};
    map.dns->routes["far.test"] = {server("10.0.0.53")};
    map.dns->routes["here.test"] = {};
  }
  dns::ForwarderConfig config() const {
    return forwarder_config(map, prefs, {ip("192.0.2.53")}, &peer);
  }
};

TEST_F(ExitDns, TakesEverythingButMarkedResolvers) {
  auto found = config();
  ASSERT_EQ(found.upstreams.size(), 1u);
  EXPECT_EQ(found.upstreams[0].url, "http://100.64.0.2:4004/dns-query");
  EXPECT_THAT(found.for_peers, ElementsAre(at("192.0.2.53:53")));
  EXPECT_THAT(found.routes, IsEmpty());
  map.dns->routes["far.test"].push_back(server("10.0.0.54"));
  map.dns->routes["far.test"].back().use_with_exit_node = true;
  found = config();
  EXPECT_THAT(found.routes.at("far.test."), ElementsAre(at("10.0.0.54:53")));
  map.dns->resolvers[0].use_with_exit_node = true;
  EXPECT_THAT(config().upstreams, ElementsAre(at("192.0.2.1:53")));
}

TEST_F(ExitDns, MakesTheHostAskUsForEveryName) {
  map.dns->resolvers.clear();
  EXPECT_FALSE(wanted_dns(map, prefs, nullptr)->all_names);
  EXPECT_TRUE(wanted_dns(map, prefs, &peer)->all_names);
  map.dns.reset();
  EXPECT_TRUE(wanted_dns(map, prefs, &peer));
  peer.hostinfo.reset();  // it answers no names
  EXPECT_FALSE(wanted_dns(map, prefs, &peer));
}

TEST_F(ExitDns, IsReachedByAnAddressOfTheFamilyWeHave) {
  map.self.addresses = {net("fd7a::1/128")};
  EXPECT_EQ(config().upstreams.at(0).url, "http://[fd7a::2]:4006/dns-query");
}

TEST_F(ExitDns, OfNodesThatDoNotAnswerNamesIsWhatTheMapSays) {
  peer.hostinfo->services.clear();
  EXPECT_THAT(config().upstreams, ElementsAre(at("192.0.2.1:53")));
  EXPECT_EQ(config().routes.size(), 1u);
  map.dns->resolvers.clear();
  EXPECT_THAT(config().upstreams, ElementsAre(at("192.0.2.2:53")));
  map.dns->fallback_resolvers.clear();
  EXPECT_THAT(config().upstreams, ElementsAre(at("192.0.2.53:53")));
  peer.is_wireguard_only = true;
  peer.exit_node_dns_resolvers = {server("192.0.2.3")};
  EXPECT_THAT(config().upstreams, ElementsAre(at("192.0.2.3:53")));
  EXPECT_TRUE(wanted_dns(map, prefs, &peer)->all_names) << "else nobody asks them";
  peer.exit_node_dns_resolvers.clear();
  EXPECT_EQ(wanted_dns(map, prefs, &peer) && wanted_dns(map, prefs, &peer)->all_names, false);
}

TEST_F(MapMeaning, TheHostsResolverIsTouchedOnlyForSomethingAndByConsent) {
  prefs.corp_dns = true;
  EXPECT_EQ(wanted_dns(map, prefs, nullptr), std::nullopt);
  map.dns.emplace().domains = {"mesh.test.", "office.test", "."};
  EXPECT_EQ(wanted_dns(map, prefs, nullptr), std::nullopt);
  map.dns->proxied = true;
  const auto wanted = wanted_dns(map, prefs, nullptr);
  ASSERT_TRUE(wanted);
  EXPECT_THAT(wanted->nameservers, ElementsAre(ip("100.100.100.100")));
  EXPECT_THAT(wanted->search_domains, ElementsAre("mesh.test", "office.test"));
  EXPECT_FALSE(wanted->all_names);
  prefs.corp_dns = false;
  EXPECT_EQ(wanted_dns(map, prefs, nullptr), std::nullopt);
}

TEST_F(MapMeaning, NamesOfTheMeshComeToUsAndOthersOnlyWhereTheMapHasServersForThem) {
  prefs.corp_dns = true;
  map.self.name = "alpha.mesh.test.";
  map.dns.emplace().routes["corp.test."] = {server("10.0.0.53")};
  auto wanted = wanted_dns(map, prefs, nullptr);
  ASSERT_TRUE(wanted);
  EXPECT_THAT(wanted->match_domains, ElementsAre("corp.test"));
  map.dns->proxied = true;
  map.dns->routes["mesh.test"] = {};
  map.dns->extra_records = {{"printer.office", "A", "10.1.1.1"}};
  wanted = wanted_dns(map, prefs, nullptr);
  EXPECT_THAT(
      wanted->match_domains,
      testing::IsSupersetOf({"corp.test", "mesh.test", "printer.office", "64.100.in-addr.arpa"}));
  EXPECT_EQ(std::ranges::count(wanted->match_domains, "mesh.test"), 1);
  EXPECT_FALSE(wanted->all_names);
  map.dns->resolvers = {server("192.0.2.53")};
  EXPECT_TRUE(wanted_dns(map, prefs, nullptr)->all_names);
}

TEST_F(MapMeaning, SurroundingsAreWhatTheHostIsAttachedTo) {
  os::NetworkSnapshot networks;
  networks.interfaces = {
      {.index = 1, .name = "lo", .loopback = true, .addresses = {{net("127.0.0.1/8")}}},
      {.index = 2, .name = "eth0", .up = true, .addresses = {{net("192.168.1.5/24")}}},
      {.index = 3, .name = "docker0", .up = true, .addresses = {{net("172.17.0.1/16")}}},
      {.index = 4, .name = "tailscale0", .up = true, .addresses = {{net("100.99.0.1/32")}}}};
  networks.routes = {
      {net("192.168.1.0/24"), 2, true},
      {net("172.17.0.0/16"), 3, true},
      {net("100.100.100.100/32"), 4, false},
      {net("10.0.0.0/8"), 9, true}};  // of an interface that is gone already
  networks.default4 = os::DefaultRoute{2, ip("192.168.1.1")};
  host_dns::Base host;
  host.nameservers = {ip("192.168.1.1")};
  const auto around =
      surroundings(networks, host, {ip("192.168.1.2"), ip("10.9.9.9")}, {.policy_routing = false});
  using Network = routing::Surroundings::Network;
  EXPECT_THAT(
      around.lans, ElementsAre(
                       Network{net("192.168.1.0/24"), "eth0", false},
                       Network{net("172.17.0.0/16"), "docker0", true}));
  EXPECT_THAT(
      around.other_routes, ElementsAre(Network{net("100.100.100.100/32"), "tailscale0", false}));
  EXPECT_THAT(around.own, ElementsAre(ip("192.168.1.5"), ip("172.17.0.1"), ip("100.99.0.1")));
  EXPECT_THAT(around.gateways, ElementsAre(ip("192.168.1.1")));
  EXPECT_THAT(around.servers, ElementsAre(ip("192.168.1.1"), ip("192.168.1.2")));
  EXPECT_FALSE(around.policy_routing);
}

}  // namespace
}  // namespace aya::app
