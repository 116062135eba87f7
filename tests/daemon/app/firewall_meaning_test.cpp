#include "daemon/app/firewall_meaning.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace aya::app {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

IpAddress address(std::string_view text) { return *IpAddress::parse(text); }
Prefix prefix(std::string_view text) { return *Prefix::parse(text); }

os::Interface interface(std::string name, std::string_view with) {
  os::Interface out;
  out.name = std::move(name);
  out.up = true;
  out.addresses = {{prefix(with)}};
  return out;
}

FirewallFacts facts(os::NetworkSnapshot networks = {}) {
  return {
      .tun = "ayatori0",
      .listen_port = 41641,
      .ports = {50000, 41641, 50000},
      .self = {address("100.64.0.1")},
      .peers = {address("100.100.0.7"), address("100.64.0.9"), address("100.64.0.2")},
      .mark = {},
      .networks = std::move(networks)};
}

os::NetworkSnapshot carrier() {
  os::NetworkSnapshot out;
  out.interfaces = {interface("eth0", "100.100.0.3/20")};
  out.default4 = os::DefaultRoute{1, address("100.100.0.1")};
  return out;
}

TEST(FirewallMeaning, ListsAreSortedSets) {
  const auto plan = firewall_node(facts(), {}).plan;
  EXPECT_THAT(plan.ports, ElementsAre(41641, 50000));
  EXPECT_THAT(
      plan.peers,
      ElementsAre(address("100.64.0.2"), address("100.64.0.9"), address("100.100.0.7")));
}

TEST(FirewallMeaning, AnotherMarkTakesItsNeighbourAlong) {
  FirewallFacts other = facts();
  other.mark = {.value = 0x100, .mask = 0x300};
  EXPECT_EQ(
      firewall_node(other, {}).plan.marks,
      (firewall::Marks{.mask = 0x300, .bypass = 0x100, .forwarded = 0x200}));
}

TEST(FirewallMeaning, SettingsBecomeRules) {
  local::Prefs prefs;
  EXPECT_FALSE(firewall_node(facts(), prefs).plan.forwards);
  prefs.advertise_routes = {prefix("192.168.1.0/24")};
  prefs.no_snat = true;
  prefs.netfilter_kind = "iptables";
  prefs.netfilter_mode = local::NetfilterMode::NoDivert;
  const auto node = firewall_node(facts(), prefs);
  EXPECT_TRUE(node.plan.forwards);
  EXPECT_FALSE(node.plan.masquerade);
  EXPECT_EQ(node.plan.mode, firewall::Mode::NoDivert);
  EXPECT_EQ(node.kind, "iptables");
  EXPECT_TRUE(node.forwarding.v4);
  EXPECT_FALSE(node.forwarding.v6);
}

TEST(FirewallMeaning, OnlyNetworksThatAreOfferedAreTranslated) {
  local::Prefs prefs;
  prefs.advertise_routes = {prefix("10.99.1.0/24"), prefix("10.0.0.0/8")};
  prefs.route_maps = {
      {prefix("10.99.1.0/24"), prefix("192.168.1.0/24")},
      {prefix("10.99.2.0/24"), prefix("192.168.2.0/24")}};
  EXPECT_THAT(
      firewall_node(facts(), prefs).plan.maps,
      ElementsAre(firewall::NetworkMap{prefix("10.99.1.0/24"), prefix("192.168.1.0/24")}));
}

TEST(FirewallMeaning, AnExitNodeClosesTheLocalNetworkUnlessItIsAllowed) {
  local::Prefs prefs;
  FirewallFacts here = facts();
  EXPECT_FALSE(firewall_node(here, prefs).plan.closes_lan);
  here.uses_exit = true;
  EXPECT_TRUE(firewall_node(here, prefs).plan.closes_lan);
  prefs.exit_node_allow_lan_access = true;
  EXPECT_FALSE(firewall_node(here, prefs).plan.closes_lan);
}

TEST(FirewallMeaning, WhoHasNotDecidedGetsTheStatefulFilterUnlessContainersWouldSuffer) {
  local::Prefs prefs;
  prefs.advertise_routes = {prefix("192.168.1.0/24")};
  EXPECT_FALSE(firewall_node(facts(), prefs).plan.only_answers);  // as clients store it
  prefs.no_stateful_filtering = false;
  EXPECT_TRUE(firewall_node(facts(), prefs).plan.only_answers);
  prefs.no_stateful_filtering.reset();
  EXPECT_TRUE(firewall_node(facts(), prefs).plan.only_answers);
  os::NetworkSnapshot docker;
  docker.interfaces = {interface("docker0", "172.17.0.1/16")};
  EXPECT_FALSE(firewall_node(facts(docker), prefs).plan.only_answers);
}

TEST(KillSwitch, IsArmedOnlyForAStrictUserOfAnExitNodeWhoIsUp) {
  local::Prefs prefs;
  prefs.exit_node_fail_closed = true;
  prefs.want_running = true;
  EXPECT_EQ(kill_switch(prefs, {}, "ayatori0", {}), std::nullopt);
  prefs.auto_exit_node = "any";
  EXPECT_TRUE(kill_switch(prefs, carrier(), "ayatori0", {}));
  EXPECT_THAT(kill_switch(prefs, carrier(), "ayatori0", {})->lan, IsEmpty());
  prefs.exit_node_allow_lan_access = true;
  EXPECT_THAT(
      kill_switch(prefs, carrier(), "ayatori0", {})->lan, ElementsAre(prefix("100.100.0.0/20")));
  prefs.want_running = false;
  EXPECT_EQ(kill_switch(prefs, {}, "ayatori0", {}), std::nullopt);
}

}  // namespace
}  // namespace aya::app
