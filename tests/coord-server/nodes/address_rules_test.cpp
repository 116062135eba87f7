#include "coord-server/nodes/address_rules.h"

#include <gtest/gtest.h>

namespace aya::nodes {
namespace {

struct RuleCase {
  const char* address;
  AddressRule rule;
};

class RuleForV4 : public testing::TestWithParam<RuleCase> {};

TEST_P(RuleForV4, Holds) {
  EXPECT_EQ(rule_for_v4(*IpAddress::parse(GetParam().address)), GetParam().rule)
      << GetParam().address;
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(Ranges, RuleForV4, testing::Values(
    RuleCase{"100.63.255.255",  AddressRule::OutsideRange},
    RuleCase{"100.64.0.0",      AddressRule::Reserved},
    RuleCase{"100.64.0.1",      AddressRule::Free},
    RuleCase{"100.80.0.1",      AddressRule::Free},
    RuleCase{"100.80.0.0",      AddressRule::Free},
    RuleCase{"100.80.0.255",    AddressRule::Free},
    RuleCase{"100.99.255.255",  AddressRule::Free},
    RuleCase{"100.100.0.0",     AddressRule::Reserved},
    RuleCase{"100.100.0.255",   AddressRule::Reserved},
    RuleCase{"100.100.1.0",     AddressRule::Free},
    RuleCase{"100.100.100.100", AddressRule::Reserved},
    RuleCase{"100.101.102.103", AddressRule::Free},
    RuleCase{"100.115.91.255",  AddressRule::Free},
    RuleCase{"100.115.92.0",    AddressRule::Reserved},
    RuleCase{"100.115.93.255",  AddressRule::Reserved},
    RuleCase{"100.115.94.0",    AddressRule::Free},
    RuleCase{"100.127.255.254", AddressRule::Free},
    RuleCase{"100.127.255.255", AddressRule::Reserved},
    RuleCase{"100.128.0.0",     AddressRule::OutsideRange},
    RuleCase{"10.0.0.1",        AddressRule::OutsideRange},
    RuleCase{"fd7a:115c:a1e0::1", AddressRule::OutsideRange}));
// clang-format on

TEST(MayAllocate, LeavesOutThePublicDemonstrationHost) {
  EXPECT_FALSE(may_allocate_v4(*IpAddress::parse("100.101.102.103")));
  EXPECT_TRUE(may_allocate_v4(*IpAddress::parse("100.101.102.104")));
}

TEST(MayAllocate, KeepsToThePlainPartOfIpv6) {
  EXPECT_TRUE(may_allocate_v6(*IpAddress::parse("fd7a:115c:a1e0::1")));
  EXPECT_FALSE(may_allocate_v6(*IpAddress::parse("fd7a:115c:a1e0::53")));
  EXPECT_FALSE(may_allocate_v6(*IpAddress::parse("fd7a:115c:a1e0::")));
  EXPECT_FALSE(may_allocate_v6(*IpAddress::parse("fd7a:115c:a1e0:ab12:4843:cd96:6265:6667")));
  EXPECT_FALSE(may_allocate_v6(*IpAddress::parse("fd7a:115c:a1e0:b1a:0:7:a00:1")));
  EXPECT_FALSE(may_allocate_v6(*IpAddress::parse("fd7a:115c:a1e0:efe3::9")));
  EXPECT_FALSE(may_allocate_v6(*IpAddress::parse("fd7a:115c:a1e1::1")));
}

TEST(ParseCanonicalV4, TakesOneSpellingOnly) {
  EXPECT_TRUE(parse_canonical_v4("100.80.0.1"));
  for (const char* bad :
       {"", " 100.80.0.1", "100.80.0.1 ", "100.080.0.1", "100.80.0.1/32", "::ffff:100.80.0.1",
        "100.80.0", "100.80.0.1.2", "100.80.0.256", "0x64.80.0.1", "fd7a:115c:a1e0::1",
        "1000.0.0.1", "100.80.0.-1", "+100.80.0.1"}) {
    EXPECT_FALSE(parse_canonical_v4(bad)) << bad;
  }
}

}  // namespace
}  // namespace aya::nodes
