#include "daemon/path/path_state.h"

#include <gtest/gtest.h>

namespace aya::path {
namespace {

PathQuality path(std::string_view at, Duration latency, bool peer_relay = false) {
  return {*Endpoint::parse(at), latency, peer_relay};
}

struct BetterCase {
  const char* name;
  PathQuality a, b;
  bool a_wins, b_wins;
};

class Better : public testing::TestWithParam<BetterCase> {};

TEST_P(Better, DecidesAsDeployedNodesDo) {
  const BetterCase& c = GetParam();
  EXPECT_EQ(better(c.a, c.b), c.a_wins);
  EXPECT_EQ(better(c.b, c.a), c.b_wins);
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(Rule, Better, testing::Values(
    BetterCase{"equal", path("1.1.1.1:1", 10ms), path("2.2.2.2:2", 10ms), false, false},
    BetterCase{"same_address", path("1.1.1.1:1", 1ms), path("1.1.1.1:1", 10ms), false, false},
    BetterCase{"one_percent_is_jitter", path("1.1.1.1:1", 99ms), path("2.2.2.2:2", 100ms), false, false},
    BetterCase{"two_percent_is_not", path("1.1.1.1:1", 98ms), path("2.2.2.2:2", 100ms), true, false},
    BetterCase{"lan_beats_v6", path("192.168.0.2:1", 2ms), path("[2001:db8::1]:1", 2ms), true, false},
    BetterCase{"v6_beats_v4", path("[2001:db8::1]:1", 10ms), path("1.1.1.1:1", 10ms), true, false},
    BetterCase{"ten_percent_cancel_v6", path("1.1.1.1:1", 30ms), path("[2001:db8::1]:1", 33ms), false, false},
    BetterCase{"loopback_beats_lan", path("127.0.0.1:1", 2ms), path("10.0.0.1:1", 2ms), true, false},
    BetterCase{"link_local_beats_private", path("169.254.1.1:1", 2ms), path("10.0.0.1:1", 2ms), true, false},
    BetterCase{"overlay_range_is_not_private", path("100.64.0.1:1", 2ms), path("1.1.1.1:1", 2ms), false, false},
    BetterCase{"lan_far_slower_loses", path("1.1.1.1:1", 2ms), path("10.0.0.1:1", 10ms), true, false},
    BetterCase{"direct_beats_peer_relay", path("1.1.1.1:1", 90ms), path("2.2.2.2:2", 1ms, true), true, false}),
  [](const auto& row) { return std::string(row.param.name); });
// clang-format on

TEST(BetterPath, LargerPacketsWinOnOneAddress) {
  PathQuality large = path("1.1.1.1:1", 10ms), small = large;
  large.wire_mtu = 1500;
  EXPECT_TRUE(better(large, small));
  EXPECT_FALSE(better(small, large));
}

}  // namespace
}  // namespace aya::path
