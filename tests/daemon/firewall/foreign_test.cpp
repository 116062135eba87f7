#include "daemon/firewall/foreign.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace aya::firewall {
namespace {

using testing::HasSubstr;

Plan forwarding_plan() {
  Plan out;
  out.mode = Mode::On;
  out.tun = "ayatori0";
  out.listen_port = 41641;
  out.forwards = true;
  return out;
}

SavedTable filter(const std::string& lines) {
  return parse_iptables_save("*filter\n" + lines)["filter"];
}

const std::string kPutIn = " 1 -i ayatori0 -m comment --comment ayatori -j ACCEPT\n";
const std::string kPutOut = " 1 -o ayatori0 -m comment --comment ayatori -j ACCEPT\n";
const std::string kPutAnswers =
    " 1 -o ayatori0 -m conntrack --ctstate RELATED,ESTABLISHED -m comment --comment ayatori -j "
    "ACCEPT\n";
const std::string kPutPort =
    " 1 -p udp -m udp --dport 41641 -m comment --comment ayatori -j ACCEPT\n";

TEST(ForeignRules, AnEmptyTableNeedsNothing) {
  EXPECT_EQ(
      foreign_rules(forwarding_plan(), filter(":INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n")), "");
  EXPECT_EQ(foreign_rules(forwarding_plan(), filter("")), "");
}

TEST(ForeignRules, DockersPolicyIsPassedInItsOwnChainForOthers) {
  const SavedTable docker = filter(
      ":INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:DOCKER-USER - [0:0]\n"
      "-A FORWARD -j DOCKER-USER\n-A DOCKER-USER -j RETURN\n");
  EXPECT_EQ(
      foreign_rules(forwarding_plan(), docker),
      "*filter\n-I DOCKER-USER" + kPutOut + "-I DOCKER-USER" + kPutIn + "COMMIT\n");
  Plan strict = forwarding_plan();
  strict.only_answers = true;
  EXPECT_THAT(foreign_rules(strict, docker), HasSubstr("-I DOCKER-USER" + kPutAnswers));
}

TEST(ForeignRules, UfwsDropsArePassedInBothDirections) {
  const SavedTable ufw = filter(
      ":INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:ufw-before-input - [0:0]\n"
      "-A INPUT -j ufw-before-input\n");
  EXPECT_EQ(
      foreign_rules(forwarding_plan(), ufw), "*filter\n-I FORWARD" + kPutOut + "-I FORWARD" +
                                                 kPutIn + "-I INPUT" + kPutPort + "-I INPUT" +
                                                 kPutIn + "COMMIT\n");
  Plan plain = forwarding_plan();
  plain.forwards = false;
  EXPECT_EQ(
      foreign_rules(plain, ufw), "*filter\n-I INPUT" + kPutPort + "-I INPUT" + kPutIn + "COMMIT\n");
}

TEST(ForeignRules, WhatIsThereStaysAndWhatIsNotWantedGoes) {
  const std::string there =
      ":INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n"
      "-A FORWARD -i ayatori0 -m comment --comment ayatori -j ACCEPT\n"
      "-A FORWARD -o ayatori0 -m comment --comment ayatori -j ACCEPT\n";
  EXPECT_EQ(foreign_rules(forwarding_plan(), filter(there)), "");
  EXPECT_EQ(
      foreign_rules(Plan{}, filter(there)),
      "*filter\n-D FORWARD -i ayatori0 -m comment --comment ayatori -j ACCEPT\n"
      "-D FORWARD -o ayatori0 -m comment --comment ayatori -j ACCEPT\nCOMMIT\n");
}

TEST(ForeignRules, OurOwnRulesAreNoReasonToStay) {
  EXPECT_EQ(
      foreign_rules(
          forwarding_plan(),
          filter(":INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n"
                 "-A FORWARD -i ayatori0 -m comment --comment ayatori -j ACCEPT\n")),
      "*filter\n-D FORWARD -i ayatori0 -m comment --comment ayatori -j ACCEPT\nCOMMIT\n");
}

TEST(ForeignRules, MoveToDockersChainWhenItComes) {
  EXPECT_EQ(
      foreign_rules(
          forwarding_plan(),
          filter(":FORWARD DROP [0:0]\n:DOCKER-USER - [0:0]\n"
                 "-A FORWARD -i ayatori0 -m comment --comment ayatori -j ACCEPT\n"
                 "-A FORWARD -o ayatori0 -m comment --comment ayatori -j ACCEPT\n")),
      "*filter\n-D FORWARD -i ayatori0 -m comment --comment ayatori -j ACCEPT\n"
      "-D FORWARD -o ayatori0 -m comment --comment ayatori -j ACCEPT\n"
      "-I DOCKER-USER" +
          kPutOut + "-I DOCKER-USER" + kPutIn + "COMMIT\n");
}

constexpr const char* kListing = R"(table inet mine {
	set allowed {
		type ipv4_addr
		elements = { 10.0.0.1,
			     10.0.0.2 }
	}

	chain incoming {
		type filter hook input priority filter; policy drop;
		ct state vmap { established : accept, related : accept }
		tcp dport { 22,
			    443 } accept
	}

	chain through {
		type filter hook forward priority filter; policy drop;
		iifname { "lan", "ayatori0" } jump trusted
	}

	chain trusted {
		accept
	}
}
table ip filter {
	chain FORWARD {
		type filter hook forward priority filter; policy drop;
	}
}
)";

TEST(NftListing, IsReadChainByChain) {
  const auto chains = parse_nft_listing(kListing);
  ASSERT_EQ(chains.size(), 4u);
  EXPECT_EQ(chains[0].family, "inet");
  EXPECT_EQ(chains[0].table, "mine");
  EXPECT_EQ(chains[0].name, "incoming");
  EXPECT_EQ(chains[0].hook, "input");
  EXPECT_TRUE(chains[0].drops);
  EXPECT_EQ(chains[1].hook, "forward");
  EXPECT_TRUE(chains[1].speaks_of("ayatori0"));
  EXPECT_FALSE(chains[0].speaks_of("ayatori0"));
  EXPECT_EQ(chains[2].hook, "");
  EXPECT_EQ(chains[3].table, "filter");
}

TEST(DroppingChains, AreThoseOnOurWayThatNobodySeesTo) {
  const auto chains = parse_nft_listing(kListing);
  EXPECT_EQ(dropping_chains(chains, forwarding_plan(), true).size(), 2u);
  EXPECT_EQ(dropping_chains(chains, forwarding_plan(), false).size(), 3u);
  Plan plain = forwarding_plan();
  plain.forwards = false;
  EXPECT_EQ(dropping_chains(chains, plain, true).size(), 1u);
}

TEST(DroppingChains, AnAdministratorIsToldTheCommand) {
  const auto chains = parse_nft_listing(kListing);
  EXPECT_THAT(
      unsaid(chains[0], forwarding_plan()).value_or(""),
      HasSubstr("`nft insert rule inet mine incoming iifname ayatori0 accept`"));
  EXPECT_EQ(unsaid(chains[1], forwarding_plan()), std::nullopt);
  EXPECT_THAT(
      unsaid(chains[3], forwarding_plan()).value_or(""),
      HasSubstr("`nft insert rule ip filter FORWARD oifname ayatori0 accept`"));
}

TEST(DroppingChains, FirewalldIsKnownByItsTable) {
  EXPECT_FALSE(has_firewalld(parse_nft_listing(kListing)));
  EXPECT_TRUE(has_firewalld(parse_nft_listing("table inet firewalld {\n\tchain x {\n\t}\n}\n")));
}

}  // namespace
}  // namespace aya::firewall
