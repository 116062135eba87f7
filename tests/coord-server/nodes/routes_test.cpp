#include "coord-server/nodes/routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace aya::nodes {
namespace {

using testing::ElementsAre;
using testing::Pair;

std::vector<Prefix> prefixes(const std::vector<const char*>& texts) {
  std::vector<Prefix> out;
  for (const char* text : texts) out.push_back(*Prefix::parse(text));
  return out;
}

struct RouteCase {
  const char* what;
  std::vector<const char*> offered, approved, primary;
  std::vector<const char*> effective, carried;
};

class NodeRoutes : public testing::TestWithParam<RouteCase> {};

TEST_P(NodeRoutes, Count) {
  const RouteCase& c = GetParam();
  NodeRecord node;
  node.live.hostinfo.routable_ips = prefixes(c.offered);
  node.approved_routes = prefixes(c.approved);
  node.live.primary_routes = prefixes(c.primary);
  EXPECT_EQ(effective_routes(node), prefixes(c.effective)) << c.what;
  EXPECT_EQ(carried_routes(node), prefixes(c.carried)) << c.what;
  node.authorized = false;
  EXPECT_TRUE(effective_routes(node).empty()) << c.what;
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(Table, NodeRoutes, testing::Values(
    RouteCase{"nothing", {}, {}, {}, {}, {}},
    RouteCase{"offered only", {"10.0.0.0/8"}, {}, {}, {}, {}},
    RouteCase{"approved only", {}, {"10.0.0.0/8"}, {"10.0.0.0/8"}, {}, {}},
    RouteCase{"a part of what is approved is another route",
              {"10.7.0.0/16"}, {"10.0.0.0/8"}, {}, {}, {}},
    RouteCase{"both, not elected", {"10.0.0.0/8"}, {"10.0.0.0/8"}, {}, {"10.0.0.0/8"}, {}},
    RouteCase{"sorted, each once", {"10.2.0.0/16", "10.1.0.0/16", "10.1.0.0/16"},
              {"10.2.0.0/16", "10.1.0.0/16", "10.2.0.0/16"}, {"10.1.0.0/16", "10.2.0.0/16"},
              {"10.1.0.0/16", "10.2.0.0/16"}, {"10.1.0.0/16", "10.2.0.0/16"}},
    RouteCase{"an exit node needs no election", {"0.0.0.0/0", "::/0"}, {"::/0", "0.0.0.0/0"}, {},
              {"0.0.0.0/0", "::/0"}, {"0.0.0.0/0", "::/0"}},
    RouteCase{"half an exit node is none", {"0.0.0.0/0", "10.0.0.0/8"},
              {"0.0.0.0/0", "::/0", "10.0.0.0/8"}, {"10.0.0.0/8"}, {"10.0.0.0/8"},
              {"10.0.0.0/8"}}));
// clang-format on

const Prefix kLan = *Prefix::parse("10.0.0.0/8");
const Prefix kLab = *Prefix::parse("10.9.0.0/16");

Router router(std::int64_t id, bool present, const std::vector<Prefix>& subnets = {kLan}) {
  return {NodeId{id}, subnets, present};
}

TEST(ElectPrimaries, TakesTheFirstPresentOne) {
  EXPECT_THAT(
      elect<Prefix>({router(1, false), router(3, true), router(2, true)}, {}),
      ElementsAre(Pair(kLan, NodeId{2})));
  EXPECT_THAT(
      elect<Prefix>({router(2, false), router(1, false)}, {}),
      ElementsAre(Pair(kLan, NodeId{1})));
}

TEST(ElectPrimaries, StaysWhileItCan) {
  const Primaries in_use = {{kLan, NodeId{2}}};
  EXPECT_EQ(elect<Prefix>({router(1, true), router(2, true)}, in_use), in_use);
  EXPECT_EQ(elect<Prefix>({router(1, false), router(2, false)}, in_use), in_use);
  EXPECT_THAT(
      elect<Prefix>({router(1, true), router(2, false)}, in_use),
      ElementsAre(Pair(kLan, NodeId{1})));
  EXPECT_THAT(elect<Prefix>({router(1, false)}, in_use), ElementsAre(Pair(kLan, NodeId{1})));
  EXPECT_TRUE(elect<Prefix>({}, in_use).empty());
}

TEST(ElectPrimaries, DecidesForEachPrefix) {
  EXPECT_THAT(
      elect<Prefix>(
          {router(1, true, {kLan}), router(2, true, {kLan, kLab})}, {{kLan, NodeId{2}}}),
      ElementsAre(Pair(kLan, NodeId{2}), Pair(kLab, NodeId{2})));
}

}  // namespace
}  // namespace aya::nodes
