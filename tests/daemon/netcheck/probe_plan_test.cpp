#include "daemon/netcheck/probe_plan.h"

#include <gtest/gtest.h>

#include "daemon/netcheck/net_check.h"

namespace aya::netcheck {
namespace {

struct TargetCase {
  const char* name;
  RelayNode node;
  const char* v4;  // "address|port", "dns|port" or empty: no target
  const char* v6;
};

std::string text(const std::optional<StunTarget>& target) {
  if (!target) return "";
  return (target->address ? target->address->to_text() : "dns " + target->host) + "|" +
         std::to_string(target->port);
}

class StunTargets : public testing::TestWithParam<TargetCase> {};

TEST_P(StunTargets, FollowTheNode) {
  EXPECT_EQ(text(stun_target(GetParam().node, false)), GetParam().v4);
  EXPECT_EQ(text(stun_target(GetParam().node, true)), GetParam().v6);
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(Nodes, StunTargets, testing::Values(
    TargetCase{"by_name", {.host = "r.example"}, "dns r.example|3478", "dns r.example|3478"},
    TargetCase{"literals", {.host = "r.example", .ipv4 = "192.0.2.1", .ipv6 = "2001:db8::1"}, "192.0.2.1|3478", "2001:db8::1|3478"},
    TargetCase{"family_off", {.host = "r.example", .ipv4 = "192.0.2.1", .ipv6 = "none"}, "192.0.2.1|3478", ""},
    TargetCase{"host_is_address", {.host = "192.0.2.9"}, "192.0.2.9|3478", ""},
    TargetCase{"port", {.host = "r.example", .ipv4 = "192.0.2.1", .ipv6 = "none", .stun_port = 1234}, "192.0.2.1|1234", ""},
    TargetCase{"no_stun", {.host = "r.example", .ipv4 = "192.0.2.1", .stun_port = -1}, "", ""},
    TargetCase{"port_beyond", {.host = "r.example", .stun_port = 70000}, "", ""},
    TargetCase{"wrong_family", {.host = "r.example", .ipv4 = "2001:db8::1", .ipv6 = "192.0.2.1"}, "", ""},
    TargetCase{"test_address", {.host = "r.example", .ipv4 = "192.0.2.1", .stun_test_ip = "127.0.0.1"}, "127.0.0.1|3478", ""}),
  [](const auto& row) { return std::string(row.param.name); });
// clang-format on

RelayMap map_of(std::initializer_list<RegionId> ids) {
  RelayMap map;
  for (const RegionId id : ids) {
    map.regions.push_back(
        {.id = id,
         .nodes = {{.host = std::to_string(id) + "a"}, {.host = std::to_string(id) + "b"}}});
  }
  return map;
}

const ProbeSet* find(const std::vector<ProbeSet>& plan, RegionId region, bool ipv6) {
  for (const ProbeSet& set : plan) {
    if (set.region == region && set.ipv6 == ipv6) return &set;
  }
  return nullptr;
}

TEST(FullPlan, ThreeTriesPerFamilyRotateOverTheNodes) {
  RelayMap map = map_of({1, 2});
  map.regions[1].no_measure_no_home = true;
  const auto plan = plan_full(map, {.has_ipv4 = true, .has_ipv6 = true});
  ASSERT_EQ(plan.size(), 2u);
  const ProbeSet* v4 = find(plan, 1, false);
  ASSERT_TRUE(v4 && find(plan, 1, true));
  ASSERT_EQ(v4->tries.size(), 3u);
  EXPECT_EQ(v4->tries[1].target.host, "1b");
  EXPECT_EQ(v4->tries[2].target.host, "1a");
  EXPECT_EQ(v4->tries[2].after, 200ms);
  EXPECT_EQ(plan_full(map, {.has_ipv4 = true, .has_ipv6 = false}).size(), 1u);
}

TEST(IncrementalPlan, AsksTheNearestAndHome) {
  const RelayMap map = map_of({1, 2, 3, 4, 5});
  Report last;
  last.region_latency = {{1, 50ms}, {2, 10ms}, {3, 30ms}, {4, 20ms}};
  last.region_v4_latency = last.region_v6_latency = last.region_latency;
  const auto plan = plan_incremental(map, {.has_ipv4 = true, .has_ipv6 = true}, last, 1);
  ASSERT_TRUE(find(plan, 2, false) && find(plan, 2, true));
  EXPECT_EQ(find(plan, 2, false)->tries.size(), 2u);
  EXPECT_EQ(find(plan, 2, false)->tries[1].after, 12ms);
  // The third nearest: one try, in one family.
  ASSERT_TRUE(find(plan, 3, false));
  EXPECT_EQ(find(plan, 3, false)->tries.size(), 1u);
  EXPECT_FALSE(find(plan, 3, true));
  // Home, though the farthest.
  ASSERT_TRUE(find(plan, 1, false));
  ASSERT_EQ(find(plan, 1, false)->tries.size(), 4u);
  EXPECT_EQ(find(plan, 1, false)->tries[3].after, 3 * 60ms + 150ms);
  EXPECT_FALSE(find(plan, 5, false));
}

TEST(IncrementalPlan, AsksIpv6OnceWhereItNeverWorked) {
  Report last;
  last.region_latency = last.region_v4_latency = {{1, 10ms}};
  const auto plan = plan_incremental(map_of({1}), {.has_ipv4 = true, .has_ipv6 = true}, last, 1);
  ASSERT_TRUE(find(plan, 1, true));
  EXPECT_EQ(find(plan, 1, true)->tries.size(), 1u);
  EXPECT_EQ(find(plan, 1, false)->tries.size(), 4u);
}

TEST(IncrementalPlan, AvoidedRegionIsAskedOnlyWhereItIsHome) {
  RelayMap map = map_of({1, 2});
  map.regions[0].avoid = true;
  EXPECT_FALSE(find(plan_incremental(map, {}, {}, 2), 1, false));
  EXPECT_TRUE(find(plan_incremental(map, {}, {}, 1), 1, false));
  EXPECT_TRUE(find(plan_full(map, {}), 1, false));
}

}  // namespace
}  // namespace aya::netcheck
