#include "daemon/firewall/backend.h"

#include <gtest/gtest.h>

namespace aya::firewall {
namespace {

struct BackendCase {
  const char* name;
  BackendFacts facts;
  Backend expected;
  bool warned = false;
};

class ChooseBackend : public testing::TestWithParam<BackendCase> {};

TEST_P(ChooseBackend, ByWhatTheHostHas) {
  const BackendChoice choice = choose(GetParam().facts);
  EXPECT_EQ(choice.backend, GetParam().expected);
  EXPECT_EQ(choice.warning.has_value(), GetParam().warned);
  EXPECT_FALSE(choice.why.empty());
}

constexpr bool kYes = true, kNo = false;

// wish, nft, iptables-nft, iptables-legacy, iptables, rules of nft, rules of legacy
// clang-format off
INSTANTIATE_TEST_SUITE_P(Firewall, ChooseBackend, testing::Values(
    BackendCase{"plain_host", {"", kYes, kYes, kYes, kYes, 0, kNo}, Backend::Nft},
    BackendCase{"docker", {"", kYes, kYes, kYes, kYes, 40, kNo}, Backend::Nft},
    BackendCase{"legacy_only", {"", kYes, kYes, kYes, kYes, 0, kYes}, Backend::IptablesLegacy},
    BackendCase{"both", {"auto", kYes, kYes, kYes, kYes, 3, kYes}, Backend::Nft, true},
    BackendCase{"no_nft", {"", kNo, kYes, kYes, kYes, 0, kNo}, Backend::IptablesNft},
    BackendCase{"no_nft_but_legacy_rules", {"", kNo, kYes, kYes, kYes, 0, kYes}, Backend::IptablesLegacy},
    BackendCase{"old_iptables", {"", kNo, kNo, kNo, kYes, 0, kYes}, Backend::Iptables},
    BackendCase{"nothing", {"", kNo, kNo, kNo, kNo, 0, kNo}, Backend::None, true},
    BackendCase{"wants_iptables", {"iptables", kYes, kYes, kYes, kYes, 0, kNo}, Backend::IptablesNft},
    BackendCase{"wants_nft", {"nftables", kYes, kYes, kYes, kYes, 0, kYes}, Backend::Nft},
    BackendCase{"wants_what_is_missing", {"nftables", kNo, kYes, kNo, kNo, 0, kNo}, Backend::None, true}),
    [](const auto& one) { return std::string(one.param.name); });
// clang-format on

TEST(FirewallMode, IsNamedAsClientsDo) {
  EXPECT_EQ(firewall_mode(Backend::Nft, ""), "nft-default");
  EXPECT_EQ(firewall_mode(Backend::Nft, "nftables"), "nft-forced");
  EXPECT_EQ(firewall_mode(Backend::IptablesLegacy, "auto"), "ipt-default");
  EXPECT_EQ(firewall_mode(Backend::None, ""), "none");
}

}  // namespace
}  // namespace aya::firewall
