// Where this host's packets go, case by case.
#include "daemon/routing/routing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/routing/report.h"

namespace aya::routing {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

Prefix net(const char* text) { return *Prefix::parse(text); }
IpAddress ip(const char* text) { return *IpAddress::parse(text); }

constexpr const char* kService4 = "100.100.100.100/32";
constexpr const char* kService6 = "fd7a:115c:a1e0::53/128";

class Routing : public testing::Test {
 protected:
  Routing() {
    map.self.addresses = {net("100.64.0.1/32"), net("fd7a:115c:a1e0::1/128")};
    control::Node& office = add(2, "office");
    office.allowed_ips->push_back(net("192.168.1.0/24"));
    control::Node& exit = add(3, "exit");
    exit.allowed_ips->push_back(net("0.0.0.0/0"));
    exit.allowed_ips->push_back(net("::/0"));
  }

  control::Node& add(int id, const std::string& name) {
    control::Node& node = map.peers[netmap::NodeId{id}];
    node.id = netmap::NodeId{id};
    node.stable_id = "n" + std::to_string(id);
    node.name = name + ".mesh.test.";
    node.addresses = {
        net(("100.64.0." + std::to_string(id) + "/32").c_str()),
        net(("fd7a:115c:a1e0::" + std::to_string(id) + "/128").c_str())};
    node.allowed_ips = node.addresses;
    return node;
  }
  control::Node& peer(int id) { return map.peers.at(netmap::NodeId{id}); }

  void sit_in(const char* lan, const char* interface = "eth0", bool container = false) {
    around.lans.push_back({net(lan), interface, container});
  }

  Decision decide() {
    return routing::decide(
        {.map = map,
         .prefs = prefs,
         .exit_node = exit_node,
         .around = around,
         .expired = [this](const control::Node& node) { return node.id == expired; },
         .service_addresses = {ip("100.100.100.100"), ip("fd7a:115c:a1e0::53")}});
  }
  std::vector<Prefix> of(int id) { return decide().of(netmap::NodeId{id}); }
  std::vector<ConflictKind> conflicts() {
    std::vector<ConflictKind> out;
    for (const Conflict& one : decide().conflicts) out.push_back(one.kind);
    return out;
  }

  netmap::Netmap map;
  local::Prefs prefs;
  std::optional<std::string> exit_node;
  Surroundings around;
  netmap::NodeId expired{};
};

TEST_F(Routing, PeersAddressesAreRoutedOneByOneAndServicesAreOurs) {
  const Decision decided = decide();
  EXPECT_EQ(decided.addresses, map.self.addresses);
  EXPECT_THAT(
      decided.routes,
      UnorderedElementsAre(
          net("100.64.0.2/32"), net("100.64.0.3/32"), net(kService4), net("fd7a:115c:a1e0::2/128"),
          net("fd7a:115c:a1e0::3/128"), net(kService6)));
  EXPECT_THAT(decided.throws, IsEmpty());
  EXPECT_THAT(decided.unreachable, IsEmpty());
  EXPECT_EQ(decided.exit, ExitState::None);
  EXPECT_TRUE(decided.service_reachable);
}

TEST_F(Routing, WithoutIpv6OfOurOwnPeersAreReachedByIpv4) {
  map.self.addresses = {net("100.64.0.1/32")};
  EXPECT_THAT(
      decide().routes,
      UnorderedElementsAre(net("100.64.0.2/32"), net("100.64.0.3/32"), net(kService4)));
}

TEST_F(Routing, SubnetsAreUsedWhereTheUserAcceptsThem) {
  EXPECT_THAT(of(2), Not(Contains(net("192.168.1.0/24"))));
  prefs.route_all = true;
  EXPECT_THAT(of(2), Contains(net("192.168.1.0/24")));
  EXPECT_THAT(decide().routes, Contains(net("192.168.1.0/24")));
  expired = netmap::NodeId{2};
  EXPECT_THAT(of(2), IsEmpty());
  EXPECT_THAT(decide().routes, Not(Contains(net("100.64.0.2/32"))));
}

TEST_F(Routing, AbsentAllowedIpsAreTheAddressesAndEmptyOnesNothing) {
  peer(2).allowed_ips.reset();
  EXPECT_EQ(of(2), peer(2).addresses);
  peer(2).allowed_ips.emplace();
  EXPECT_THAT(of(2), IsEmpty());
}

TEST_F(Routing, ServicesOfPeersNeedNoConsentAndSubnetsOfApiOnlyPeersAreNone) {
  peer(2).allowed_ips->push_back(net("100.90.0.9/32"));
  EXPECT_THAT(of(2), Contains(net("100.90.0.9/32")));
  prefs.route_all = true;
  peer(2).unsigned_peerapi_only = true;
  EXPECT_EQ(of(2), peer(2).addresses);
}

TEST_F(Routing, OneOfSeveralRoutersHasThePrefix) {
  prefs.route_all = true;
  const Prefix subnet = net("192.168.1.0/24");
  add(4, "spare").allowed_ips->push_back(subnet);
  EXPECT_THAT(of(2), Contains(subnet)) << "all equal: the first";
  EXPECT_THAT(of(4), Not(Contains(subnet)));
  peer(2).online = false;
  peer(4).online = true;
  EXPECT_THAT(of(4), Contains(subnet)) << "who is online";
  EXPECT_THAT(of(2), Not(Contains(subnet)));
  peer(2).primary_routes = {subnet};
  EXPECT_THAT(of(2), Contains(subnet)) << "whom the server names";
  EXPECT_THAT(of(4), Not(Contains(subnet)));
  peer(4).primary_routes = {subnet};
  EXPECT_THAT(of(4), Contains(subnet));
  const auto routes = decide().routes;
  EXPECT_EQ(std::ranges::count(routes, subnet), 1);
}

TEST_F(Routing, WhatThisNodeOffersItselfIsNotTakenFromOthers) {
  prefs.route_all = true;
  prefs.advertise_routes = {net("192.168.1.0/24")};
  EXPECT_THAT(of(2), Not(Contains(net("192.168.1.0/24"))));
  EXPECT_THAT(conflicts(), ElementsAre(ConflictKind::SubnetOfOurs));
}

// ---- the network one sits in

struct HomeCase {
  const char* name;
  const char* offered;
  const char* lan;
  bool container;
  bool stays_local;
};
class AtHome : public Routing, public testing::WithParamInterface<HomeCase> {};
// clang-format off
INSTANTIATE_TEST_SUITE_P(Cases, AtHome, testing::Values(
    HomeCase{"equal", "10.1.1.0/24", "10.1.1.0/24", false, true},
    HomeCase{"inside", "10.1.0.0/16", "10.1.1.0/24", false, true},
    HomeCase{"offer_is_smaller_and_wins", "10.1.1.0/28", "10.1.1.0/24", false, false},
    HomeCase{"elsewhere", "10.1.1.0/24", "10.1.2.0/24", false, false},
    HomeCase{"largest_lan", "10.0.0.0/8", "10.0.0.0/8", false, true},
    HomeCase{"too_large", "8.0.0.0/6", "8.0.0.0/7", false, false},
    HomeCase{"containers", "172.17.0.0/16", "172.17.0.0/16", true, false},
    HomeCase{"ipv6", "2001:db8:1::/48", "2001:db8:1:2::/64", false, true},
    HomeCase{"largest_lan6", "2001::/16", "2001::/16", false, true},
    HomeCase{"too_large6", "2000::/3", "2000::/15", false, false}),
    [](const auto& one) { return std::string(one.param.name); });
// clang-format on

TEST_P(AtHome, TheLanStaysLocalWhereAPeersSubnetCoversIt) {
  prefs.route_all = true;
  peer(2).allowed_ips->push_back(net(GetParam().offered));
  sit_in(GetParam().lan, "eth0", GetParam().container);
  const Decision decided = decide();
  EXPECT_EQ(std::ranges::count(decided.throws, net(GetParam().lan)), GetParam().stays_local);
  const bool same = net(GetParam().lan) == net(GetParam().offered);
  EXPECT_EQ(
      std::ranges::count(decided.routes, net(GetParam().offered)),
      !(same && GetParam().stays_local));
}

TEST_F(Routing, ALanThatStaysLocalIsTold) {
  prefs.route_all = true;
  sit_in("192.168.1.0/24", "wlan0");
  const Decision decided = decide();
  EXPECT_THAT(
      decided.kept_local,
      ElementsAre(KeptLocal{net("192.168.1.0/24"), "wlan0", KeptBecause::PeerOffersItToo}));
  const auto told = report(decided);
  ASSERT_EQ(told.conflicts.size(), 1u);
  EXPECT_EQ(told.conflicts[0].text, "office offers 192.168.1.0/24, in which this host sits");
  EXPECT_EQ(told.kept_local[0].interface, "wlan0");
  EXPECT_THAT(warnings(decided), IsEmpty());
}

// ---- exit nodes

TEST_F(Routing, DefaultRoutesAreOfTheExitNodeInUseOnly) {
  EXPECT_EQ(of(3), peer(3).addresses);
  prefs.route_all = true;
  EXPECT_EQ(of(3), peer(3).addresses);
  exit_node = "n3";
  EXPECT_THAT(of(3), Contains(net("0.0.0.0/0")));
  EXPECT_THAT(of(3), Contains(net("::/0")));
  const Decision decided = decide();
  EXPECT_EQ(decided.exit, ExitState::InUse);
  EXPECT_EQ(decided.exit_node, netmap::NodeId{3});
  EXPECT_THAT(decided.routes, Contains(net("0.0.0.0/0")));
  EXPECT_THAT(decided.routes, Contains(net("::/0")));
  EXPECT_THAT(decided.unreachable, IsEmpty());
}

TEST_F(Routing, AFamilyThatTheExitNodeDoesNotCarryIsUnreachable) {
  exit_node = "n3";
  peer(3).allowed_ips->pop_back();  // ::/0
  EXPECT_THAT(decide().unreachable, ElementsAre(net("::/0")));
  EXPECT_THAT(decide().routes, Contains(net("0.0.0.0/0")));
  peer(3).allowed_ips->back() = net("::/0");
  EXPECT_THAT(decide().unreachable, ElementsAre(net("0.0.0.0/0")));
}

TEST_F(Routing, WithoutIpv6OfOurOwnItDoesNotLeak) {
  exit_node = "n3";
  map.self.addresses = {net("100.64.0.1/32")};
  EXPECT_THAT(decide().unreachable, ElementsAre(net("::/0")));
}

TEST_F(Routing, AnExitNodeThatIsNotThereLeavesNoWayOut) {
  const auto closed = [&] {
    const Decision decided = decide();
    EXPECT_THAT(decided.unreachable, ElementsAre(net("0.0.0.0/0"), net("::/0")));
    EXPECT_THAT(decided.routes, Not(Contains(net("0.0.0.0/0"))));
    EXPECT_EQ(decided.exit, ExitState::Unavailable);
    EXPECT_EQ(warnings(decided).size(), 1u);
  };
  exit_node = "";
  closed();
  exit_node = "gone";
  closed();
  exit_node = "n2";  // offers no default route
  closed();
  exit_node = "n3";
  EXPECT_EQ(decide().exit, ExitState::InUse);
  expired = netmap::NodeId{3};
  closed();
  expired = {};
  peer(3).allowed_ips.reset();
  closed();
}

TEST_F(Routing, LansGoThroughTheExitNodeUnlessAllowed) {
  exit_node = "n3";
  sit_in("192.168.9.0/24");
  sit_in("2001:db8:9::/64");
  sit_in("172.17.0.0/16", "docker0", true);
  sit_in("0.0.0.0/1", "evil0");
  EXPECT_THAT(decide().throws, IsEmpty());
  prefs.exit_node_allow_lan_access = true;
  EXPECT_THAT(
      decide().throws, UnorderedElementsAre(
                           net("192.168.9.0/24"), net("2001:db8:9::/64"), net("172.17.0.0/16"),
                           net("224.0.0.0/4"), net("255.255.255.255/32")));
  EXPECT_THAT(conflicts(), ElementsAre(ConflictKind::LanTooLarge));
  exit_node = "gone";
  EXPECT_THAT(decide().throws, Contains(net("192.168.9.0/24"))) << "the LAN, not the Internet";
  exit_node.reset();
  EXPECT_THAT(decide().throws, IsEmpty()) << "the setting counts with an exit node only";
}

TEST_F(Routing, WithoutLanAccessAnOfferedLanIsReachedByThePeer) {
  prefs.route_all = true;
  exit_node = "n3";
  sit_in("192.168.1.0/24");
  EXPECT_THAT(decide().throws, IsEmpty());
  EXPECT_THAT(decide().routes, Contains(net("192.168.1.0/24")));
  EXPECT_THAT(conflicts(), ElementsAre(ConflictKind::LanOffered));
}

TEST_F(Routing, AKernelWithoutPolicyRoutingRefusesExitNodes) {
  exit_node = "n3";
  around.policy_routing = false;
  const Decision decided = decide();
  EXPECT_EQ(decided.exit, ExitState::Impossible);
  EXPECT_EQ(decided.of(netmap::NodeId{3}), peer(3).addresses);
  EXPECT_THAT(decided.unreachable, IsEmpty());
  EXPECT_EQ(warnings(decided).at(0).code, "exit-node-impossible");
}

TEST_F(Routing, SettingsNameAnExitNodeByIdOrAddress) {
  EXPECT_EQ(named_exit_node(prefs, map), std::nullopt);
  prefs.exit_node_ip = "100.64.0.3";
  EXPECT_EQ(named_exit_node(prefs, map), "n3");
  prefs.exit_node_ip = "100.64.0.77";
  EXPECT_EQ(named_exit_node(prefs, map), "");
  prefs.exit_node_id = "n9";
  EXPECT_EQ(named_exit_node(prefs, map), "n9");
}

// ---- others in 100.64.0.0/10

TEST_F(Routing, NeighboursInACarriersNetworkStayReachableAndConflictsAreTold) {
  sit_in("100.64.0.0/20", "wan");
  const Decision decided = decide();
  for (const Prefix& route : decided.routes) EXPECT_TRUE(route.is_host()) << route.to_text();
  EXPECT_THAT(decided.routes, Contains(net("100.64.0.2/32"))) << "the peer wins";
  EXPECT_THAT(decided.shared_addresses(), ElementsAre(ip("100.64.0.2"), ip("100.64.0.3")));
  EXPECT_THAT(conflicts(), UnorderedElementsAre(ConflictKind::PeerInLan, ConflictKind::PeerInLan));
}

TEST_F(Routing, GatewaysAndServersAmongOverlayAddressesStayWithTheHost) {
  around.gateways = {ip("100.64.0.2"), ip("192.0.2.1")};
  around.servers = {ip("100.99.0.53"), ip("100.100.100.100"), ip("192.0.2.53")};
  const Decision decided = decide();
  EXPECT_THAT(decided.throws, ElementsAre(net("100.64.0.2/32"), net("100.99.0.53/32")));
  EXPECT_THAT(decided.routes, Not(Contains(net("100.64.0.2/32"))));
  EXPECT_THAT(decided.routes, Contains(net("fd7a:115c:a1e0::2/128")));
  EXPECT_THAT(decided.routes, Contains(net(kService4)));
  EXPECT_THAT(conflicts(), ElementsAre(ConflictKind::PeerIsHostServer));
  EXPECT_EQ(warnings(decided).at(0).code, "address-conflict");
}

TEST_F(Routing, AnAddressThatTheHostNeedsIsNotPutOnTheTunnel) {
  for (const bool gateway : {false, true}) {
    around.own.clear();
    around.gateways.clear();
    (gateway ? around.gateways : around.own).push_back(ip("100.64.0.1"));
    const Decision decided = decide();
    EXPECT_THAT(decided.addresses, ElementsAre(net("fd7a:115c:a1e0::1/128")));
    for (const Prefix& route : decided.routes) EXPECT_TRUE(route.address.is_v6());
    EXPECT_THAT(conflicts(), ElementsAre(ConflictKind::OwnAddressOnHost));
    EXPECT_EQ(warnings(decided).at(0).code, "address-conflict");
  }
  exit_node = "n3";
  EXPECT_THAT(decide().unreachable, ElementsAre(net("0.0.0.0/0")));
}

TEST_F(Routing, AnotherOverlayKeepsTheServiceAddress) {
  around.other_routes = {{net(kService4), "tailscale0", false}};
  const Decision decided = decide();
  EXPECT_THAT(decided.routes, Not(Contains(net(kService4))));
  EXPECT_THAT(decided.routes, Contains(net(kService6)));
  EXPECT_FALSE(decided.service_reachable);
  EXPECT_THAT(conflicts(), ElementsAre(ConflictKind::ServiceElsewhere));
}

}  // namespace
}  // namespace aya::routing
