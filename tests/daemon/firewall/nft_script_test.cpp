#include "daemon/firewall/nft_script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace aya::firewall {
namespace {

using testing::HasSubstr;
using testing::Not;

IpAddress address(std::string_view text) { return *IpAddress::parse(text); }

Plan plain_node() {
  Plan out;
  out.mode = Mode::On;
  out.tun = "ayatori0";
  out.listen_port = 41641;
  out.ports = {41641, 50000};
  out.self = {address("100.64.0.1"), address("fd7a:115c:a1e0::1")};
  out.peers = {address("100.64.0.2"), address("100.64.0.3"), address("fd7a:115c:a1e0::2")};
  return out;
}

Plan router() {
  Plan out = plain_node();
  out.forwards = true;
  return out;
}

// The lines of one chain or set.
std::string part(const std::string& script, const std::string& name) {
  const std::size_t begin = script.find("  " + name + " {\n");
  if (begin == std::string::npos) return {};
  return script.substr(begin, script.find("\n  }\n", begin) - begin);
}

TEST(NftScript, ReplacesTheTableInOneTransaction) {
  const std::string script = nft_table(plain_node(), "1.0 pid 7");
  EXPECT_TRUE(script.starts_with("add table inet ayatori\ndelete table inet ayatori\ntable inet "));
  EXPECT_THAT(script, HasSubstr("comment \"1.0 pid 7\""));
}

TEST(NftScript, GuardsOwnAddressesAndThoseOfPeersAndNoOtherOfTheirRange) {
  const std::string script = nft_table(plain_node(), "");
  EXPECT_THAT(part(script, "set self4"), HasSubstr("elements = { 100.64.0.1 }"));
  EXPECT_THAT(part(script, "set peers4"), HasSubstr("elements = { 100.64.0.2, 100.64.0.3 }"));
  EXPECT_THAT(part(script, "set peers6"), HasSubstr("elements = { fd7a:115c:a1e0::2 }"));
  EXPECT_EQ(
      part(script, "chain guard"),
      "  chain guard {\n"
      "    type filter hook prerouting priority raw; policy accept;\n"
      "    iifname { \"lo\", \"ayatori0\" } return\n"
      "    ip daddr @self4 fib saddr type != local drop\n"
      "    ip6 daddr @self6 fib saddr type != local drop\n"
      "    ip saddr @peers4 drop\n"
      "    ip6 saddr @peers6 drop");
  EXPECT_THAT(script, Not(HasSubstr("100.64.0.0/10")));
}

TEST(NftScript, MarksOnlyTheBitsThatAreOurs) {
  const std::string script = nft_table(plain_node(), "");
  EXPECT_THAT(
      part(script, "chain mark_in"),
      HasSubstr("udp dport @ports fib daddr type local "
                "meta mark set meta mark & 0xff00ffff | 0x00080000"));
  EXPECT_THAT(
      part(script, "chain mark_out"),
      HasSubstr("meta l4proto tcp meta mark & 0x00ff0000 == 0x00080000 "
                "ct mark set ct mark & 0xff00ffff | 0x00080000"));
  Plan other = plain_node();
  other.marks = {.mask = 0xff00, .bypass = 0x4200, .forwarded = 0x4100};
  EXPECT_THAT(
      part(nft_table(other, ""), "chain mark_in"),
      HasSubstr("meta mark & 0xffff00ff | 0x00004200"));
}

struct RouterCase {
  const char* name;
  void (*change)(Plan&);
  std::vector<std::string> transit, masq;  // rules, in order
};

class Router : public testing::TestWithParam<RouterCase> {};

std::vector<std::string> rules(const std::string& chain) {
  std::vector<std::string> out;
  std::size_t at = 0;
  while (at < chain.size()) {
    const std::size_t end = std::min(chain.find('\n', at), chain.size());
    std::string line = chain.substr(at, end - at);
    at = end + 1;
    line.erase(0, line.find_first_not_of(' '));
    if (!line.starts_with("chain ") && !line.starts_with("type ")) out.push_back(line);
  }
  return out;
}

TEST_P(Router, Forwards) {
  Plan plan = router();
  GetParam().change(plan);
  const std::string script = nft_table(plan, "");
  EXPECT_EQ(rules(part(script, "chain transit")), GetParam().transit);
  EXPECT_EQ(rules(part(script, "chain masq")), GetParam().masq);
}

const std::string kIn = "iifname \"ayatori0\" accept";
const std::string kAnswers = "oifname \"ayatori0\" ct state established,related accept";
const std::string kNew = "oifname \"ayatori0\" accept";
const std::string kNoNew = "oifname \"ayatori0\" drop";
const std::string kMasq = "iifname \"ayatori0\" oifname != \"ayatori0\" masquerade";
const std::string kNoIpv6 =
    "iifname \"ayatori0\" oifname != \"ayatori0\" meta nfproto ipv6 reject with icmpv6 type "
    "no-route";

// clang-format off
INSTANTIATE_TEST_SUITE_P(NftScript, Router, testing::Values(
    RouterCase{"default", [](Plan&) {}, {kIn, kAnswers, kNew}, {kMasq}},
    RouterCase{"stateful", [](Plan& p) { p.only_answers = true; }, {kIn, kAnswers, kNoNew}, {kMasq}},
    RouterCase{"no_snat", [](Plan& p) { p.masquerade = false; }, {kIn, kAnswers, kNew}, {}},
    RouterCase{"no_ipv6_nat", [](Plan& p) { p.masquerade_v6 = false; },
               {kNoIpv6, kIn, kAnswers, kNew}, {"meta nfproto ipv4 " + kMasq}},
    RouterCase{"no_router", [](Plan& p) { p.forwards = false; }, {}, {}}),
    [](const auto& one) { return std::string(one.param.name); });
// clang-format on

TEST(NftScript, ANetworkOfferedUnderOtherAddressesIsTranslatedBothWays) {
  EXPECT_THAT(rules(part(nft_table(router(), ""), "chain alias_in")), testing::IsEmpty());
  Plan plan = router();
  plan.maps = {
      {*Prefix::parse("10.99.1.0/24"), *Prefix::parse("192.168.1.0/24")},
      {*Prefix::parse("10.99.2.0/24"), *Prefix::parse("192.168.2.0/24")}};
  const std::string script = nft_table(plan, "");
  EXPECT_THAT(
      rules(part(script, "chain alias_in")),
      testing::ElementsAre("iifname \"ayatori0\" dnat ip prefix to ip daddr map "
                           "{ 10.99.1.0/24 : 192.168.1.0/24, 10.99.2.0/24 : 192.168.2.0/24 }"));
  EXPECT_THAT(
      rules(part(script, "chain alias_out")),
      testing::ElementsAre("oifname \"ayatori0\" snat ip prefix to ip saddr map "
                           "{ 192.168.1.0/24 : 10.99.1.0/24, 192.168.2.0/24 : 10.99.2.0/24 }"));
  EXPECT_FALSE(same_rules(router(), plan));
}

TEST(NftScript, AClosedNetworkHearsNeitherBroadcastsNorGroups) {
  EXPECT_THAT(rules(part(nft_table(plain_node(), ""), "chain lan")), testing::IsEmpty());
  Plan plan = plain_node();
  plan.closes_lan = true;
  const auto lan = rules(part(nft_table(plan, ""), "chain lan"));
  ASSERT_EQ(lan.size(), 8u);
  EXPECT_EQ(lan.front(), "oifname { \"lo\", \"ayatori0\" } return");
  EXPECT_EQ(lan[1], "meta mark & 0x00ff0000 == 0x00080000 return");
  EXPECT_THAT(
      std::vector(lan.end() - 3, lan.end()),
      testing::ElementsAre(
          "fib daddr type broadcast drop", "ip daddr 224.0.0.0/4 drop", "ip6 daddr ff00::/8 drop"));
}

TEST(NftScript, NodivertHasChainsButNoHooksAndLeavesTheTable) {
  Plan plan = router();
  plan.mode = Mode::NoDivert;
  const std::string script = nft_table(plan, "");
  EXPECT_THAT(script, Not(HasSubstr("hook")));
  EXPECT_THAT(script, Not(HasSubstr("delete table")));
  EXPECT_THAT(script, HasSubstr("flush chain inet ayatori transit"));
  EXPECT_THAT(part(script, "chain transit"), HasSubstr("iifname \"ayatori0\" accept"));
}

TEST(NftScript, AChangedMapCostsWhatChanged) {
  Plan have = plain_node(), want = plain_node();
  want.peers = {address("100.64.0.3"), address("100.64.0.9"), address("fd7a:115c:a1e0::2")};
  EXPECT_EQ(
      nft_change(have, want),
      "add element inet ayatori peers4 { 100.64.0.9 }\n"
      "delete element inet ayatori peers4 { 100.64.0.2 }\n");
  EXPECT_EQ(nft_change(have, have), "");
}

TEST(NftScript, OtherRulesNeedAnotherTable) {
  EXPECT_EQ(nft_change(plain_node(), router()), std::nullopt);
}

TEST(NftScript, TheKillSwitchLetsOnlyTheTunnelAndItsOwnCarrierOut) {
  const std::string script = nft_kill_switch({.tun = "ayatori0", .marks = {}, .lan = {}});
  EXPECT_THAT(script, HasSubstr("table inet ayatori_ks {"));
  EXPECT_THAT(script, Not(HasSubstr(" daddr ")));
  for (const char* chain : {"chain output", "chain forward"}) {
    EXPECT_TRUE(part(script, chain).ends_with("reject with icmpx admin-prohibited")) << chain;
    EXPECT_THAT(part(script, chain), HasSubstr("oifname { \"lo\", \"ayatori0\" } accept"));
  }
  EXPECT_THAT(
      part(script, "chain output"), HasSubstr("meta mark & 0x00ff0000 == 0x00080000 accept"));
}

TEST(NftScript, TheKillSwitchMayLeaveTheLocalNetwork) {
  const std::string script = nft_kill_switch(
      {.tun = "ayatori0",
       .marks = {},
       .lan = {*Prefix::parse("192.168.1.7/24"), *Prefix::parse("2001:db8:1::/64")}});
  EXPECT_THAT(
      script, HasSubstr("ip daddr { 192.168.1.0/24, 224.0.0.0/4, 255.255.255.255 } accept"));
  EXPECT_THAT(script, HasSubstr("ip6 daddr { 2001:db8:1::/64, ff00::/8 } accept"));
}

}  // namespace
}  // namespace aya::firewall
