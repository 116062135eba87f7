#include "daemon/firewall/iptables_script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace aya::firewall {
namespace {

using testing::HasSubstr;
using testing::Not;

Plan whole_plan() {
  Plan out;
  out.mode = Mode::On;
  out.tun = "ayatori0";
  out.listen_port = 41641;
  out.ports = {41641};
  out.self = {*IpAddress::parse("100.64.0.1"), *IpAddress::parse("fd7a:115c:a1e0::1")};
  out.peers = {*IpAddress::parse("100.64.0.2"), *IpAddress::parse("fd7a:115c:a1e0::2")};
  out.forwards = true;
  return out;
}

// What a table would hold after a script of ours had run on an empty one.
SavedTables after(const std::string& script) {
  std::string saved;
  std::size_t at = 0;
  while (at < script.size()) {
    const std::size_t end = script.find('\n', at);
    std::string line = script.substr(at, end - at);
    at = end + 1;
    if (line.starts_with("-I ")) {  // "-I CHAIN 1 ..." is printed without its place
      line.replace(0, 2, "-A");
      line.erase(line.find(" 1 "), 2);
    }
    saved += line + "\n";
  }
  return parse_iptables_save(saved);
}

TEST(IptablesScript, HasTheSameRulesAsNft) {
  const std::string script = iptables_tables(whole_plan(), Family::V4, {});
  for (const char* line :
       {"-A ayatori-guard -i lo -j RETURN\n",
        "-A ayatori-guard -d 100.64.0.1 -m addrtype ! --src-type LOCAL -j DROP\n",
        "-A ayatori-guard -s 100.64.0.0/10 -j ayatori-peers\n",
        "-A ayatori-peers -s 100.64.0.2 -j DROP\n",
        "-I PREROUTING 1 -m comment --comment ayatori -j ayatori-guard\n",
        "-A ayatori-mark-in -p udp -m udp --dport 41641 -m addrtype --dst-type LOCAL -j MARK "
        "--set-xmark 0x00080000/0x00ff0000\n",
        "-A ayatori-mark-out -p tcp -m mark --mark 0x00080000/0x00ff0000 -j CONNMARK "
        "--set-xmark 0x00080000/0x00ff0000\n",
        "-A ayatori-transit -i ayatori0 -j ACCEPT\n",
        "-A ayatori-masq -m mark --mark 0x00040000/0x00ff0000 ! -o ayatori0 -j MASQUERADE\n",
        "-A ayatori-clamp -o ayatori0 -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS "
        "--clamp-mss-to-pmtu\n"}) {
    EXPECT_THAT(script, HasSubstr(line));
  }
  EXPECT_THAT(script, Not(HasSubstr("fd7a")));
  // The range of the peers is only entered; what is dropped in it is a peer's address.
  EXPECT_THAT(script, Not(HasSubstr("100.64.0.0/10 -j DROP")));
}

TEST(IptablesScript, ANetworkOfferedUnderOtherAddressesIsTranslatedBothWays) {
  Plan plan = whole_plan();
  plan.maps = {{*Prefix::parse("10.99.1.0/24"), *Prefix::parse("192.168.1.0/24")}};
  const std::string script = iptables_tables(plan, Family::V4, {});
  EXPECT_THAT(
      script,
      HasSubstr("-A ayatori-alias-in -d 10.99.1.0/24 -i ayatori0 -j NETMAP --to 192.168.1.0/24\n"));
  EXPECT_THAT(
      script,
      HasSubstr(
          "-A ayatori-alias-out -s 192.168.1.0/24 -o ayatori0 -j NETMAP --to 10.99.1.0/24\n"));
  EXPECT_TRUE(iptables_intact(plan, Family::V4, after(script)));
  EXPECT_THAT(iptables_tables(plan, Family::V6, {}), Not(HasSubstr("alias")));
}

TEST(IptablesScript, AClosedNetworkHearsNeitherBroadcastsNorGroups) {
  Plan plan = whole_plan();
  EXPECT_THAT(iptables_tables(plan, Family::V4, {}), Not(HasSubstr("-A ayatori-lan")));
  plan.closes_lan = true;
  const std::string v4 = iptables_tables(plan, Family::V4, {});
  EXPECT_THAT(v4, HasSubstr("-A ayatori-lan -m addrtype --dst-type BROADCAST -j DROP\n"));
  EXPECT_THAT(v4, HasSubstr("-A ayatori-lan -d 224.0.0.0/4 -j DROP\n"));
  const std::string v6 = iptables_tables(plan, Family::V6, {});
  EXPECT_THAT(v6, HasSubstr("-A ayatori-lan -p icmpv6 -m icmp6 --icmpv6-type 135 -j RETURN\n"));
  EXPECT_THAT(v6, HasSubstr("-A ayatori-lan -d ff00::/8 -j DROP\n"));
}

TEST(IptablesScript, EachFamilyHasItsOwnAddresses) {
  const std::string script = iptables_tables(whole_plan(), Family::V6, {});
  EXPECT_THAT(script, HasSubstr("-A ayatori-guard -s fd7a:115c:a1e0::/48 -j ayatori-peers\n"));
  EXPECT_THAT(script, Not(HasSubstr("100.64.0")));
}

TEST(IptablesScript, AJumpThatIsThereIsNotPutTwice) {
  const std::string first = iptables_tables(whole_plan(), Family::V4, {});
  const SavedTables saved = after(first);
  EXPECT_TRUE(iptables_intact(whole_plan(), Family::V4, saved));
  EXPECT_THAT(iptables_tables(whole_plan(), Family::V4, saved), Not(HasSubstr("-I ")));
}

TEST(IptablesScript, SeesWhatSomebodyTookAway) {
  SavedTables saved = after(iptables_tables(whole_plan(), Family::V4, {}));
  std::erase_if(
      saved["filter"].rules, [](const SavedRule& rule) { return rule.chain == "FORWARD"; });
  EXPECT_FALSE(iptables_intact(whole_plan(), Family::V4, saved));
  EXPECT_THAT(
      iptables_tables(whole_plan(), Family::V4, saved),
      HasSubstr("-I FORWARD 1 -m comment --comment ayatori -j ayatori-transit"));
  saved = after(iptables_tables(whole_plan(), Family::V4, {}));
  saved["nat"].rules.clear();
  EXPECT_FALSE(iptables_intact(whole_plan(), Family::V4, saved));
}

TEST(IptablesScript, ATableThatIsNotNeededAnyMoreIsLeft) {
  const SavedTables saved = after(iptables_tables(whole_plan(), Family::V4, {}));
  Plan plan = whole_plan();
  plan.masquerade = false;
  const std::string script = iptables_tables(plan, Family::V4, saved);
  EXPECT_THAT(
      script, HasSubstr("*nat\n-D POSTROUTING -m comment --comment ayatori -j ayatori-masq\n"
                        "-F ayatori-masq\n-X ayatori-masq\nCOMMIT\n"));
  EXPECT_THAT(script, Not(HasSubstr("MASQUERADE")));
}

TEST(IptablesScript, NodivertHasChainsAndTakesJumpsAway) {
  const SavedTables saved = after(iptables_tables(whole_plan(), Family::V4, {}));
  Plan plan = whole_plan();
  plan.mode = Mode::NoDivert;
  const std::string script = iptables_tables(plan, Family::V4, saved);
  EXPECT_THAT(script, HasSubstr("-D INPUT -m comment --comment ayatori -j ayatori-input"));
  EXPECT_THAT(script, HasSubstr("-A ayatori-input -i ayatori0 -j ACCEPT"));
  EXPECT_THAT(script, Not(HasSubstr("-I ")));
}

TEST(IptablesScript, AChangedMapCostsWhatChanged) {
  Plan want = whole_plan();
  want.peers = {*IpAddress::parse("100.64.0.3"), *IpAddress::parse("fd7a:115c:a1e0::2")};
  EXPECT_EQ(
      iptables_change(whole_plan(), want, Family::V4),
      "*raw\n-A ayatori-peers -s 100.64.0.3 -j DROP\n"
      "-D ayatori-peers -s 100.64.0.2 -j DROP\nCOMMIT\n");
  EXPECT_EQ(iptables_change(whole_plan(), want, Family::V6), "");
  want.ports = {1};
  EXPECT_EQ(iptables_change(whole_plan(), want, Family::V4), std::nullopt);
}

TEST(IptablesScript, TakesAwayOnlyWhatIsOurs) {
  SavedTables saved = after(iptables_tables(whole_plan(), Family::V4, {}));
  saved["filter"].rules.push_back({"INPUT", "-p tcp -m comment --comment ayatoris -j ACCEPT"});
  saved["filter"].rules.push_back({"INPUT", "-j my-chain"});
  saved["filter"].chains["my-chain"] = "-";
  const std::string script = iptables_removal(saved);
  EXPECT_THAT(script, Not(HasSubstr("my-chain")));
  EXPECT_THAT(script, Not(HasSubstr("ayatoris")));
  EXPECT_THAT(script, HasSubstr("-X ayatori-transit"));
  EXPECT_EQ(iptables_removal(parse_iptables_save("*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n")), "");
}

TEST(IptablesScript, AChainThatAnAdministratorJumpsToIsOnlyEmptied) {
  Plan plan = whole_plan();
  plan.mode = Mode::NoDivert;
  SavedTables saved = after(iptables_tables(plan, Family::V4, {}));
  saved["filter"].rules.push_back({"FORWARD", "-i lan -j ayatori-transit"});
  const std::string script = iptables_removal(saved);
  EXPECT_THAT(script, HasSubstr("-F ayatori-transit"));
  EXPECT_THAT(script, Not(HasSubstr("-X ayatori-transit")));
  EXPECT_THAT(script, HasSubstr("-X ayatori-input"));
}

TEST(IptablesScript, TheKillSwitchStaysWhenTheRestGoes) {
  const KillSwitch wanted{.tun = "ayatori0", .marks = {}, .lan = {*Prefix::parse("10.1.0.0/16")}};
  const std::string script = iptables_kill_switch(wanted, Family::V4, {});
  EXPECT_THAT(script, HasSubstr("-A ayatori_ks-output -d 10.1.0.0/16 -j ACCEPT"));
  EXPECT_THAT(
      script, HasSubstr("-A ayatori_ks-output -j REJECT --reject-with icmp-admin-prohibited"));
  const SavedTables saved = after(script);
  EXPECT_TRUE(iptables_is_armed(saved));
  EXPECT_EQ(iptables_removal(saved), "");
  EXPECT_THAT(
      iptables_kill_switch_removal(saved),
      HasSubstr("-D OUTPUT -m comment --comment ayatori_ks -j ayatori_ks-output"));
}

TEST(IptablesSave, RulesAreTheSameInAnyOrderOfTheirWords) {
  EXPECT_TRUE(same_spec(
      "-o x -m conntrack --ctstate RELATED,ESTABLISHED -m comment --comment \"ayatori\" -j ACCEPT",
      "-m comment --comment ayatori -o x -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"));
  EXPECT_FALSE(same_spec("-i x -j ACCEPT", "-o x -j ACCEPT"));
}

}  // namespace
}  // namespace aya::firewall
