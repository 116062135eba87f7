#include "coord-server/relays/relay_set.h"

#include <gtest/gtest.h>

namespace aya::relays {
namespace {

control::DerpRegion region(RegionId id, const std::string& host, bool stun_only = false) {
  control::DerpRegion out;
  control::DerpNode& node = out.nodes.emplace_back();
  node.host_name = host;
  node.stun_only = stun_only;
  EXPECT_TRUE(check_region(id, out));
  return out;
}

class RelaySets : public testing::Test {
 protected:
  RelaySets() { set.own = own_region({"coord.test"}); }

  std::map<RegionId, std::string> told(const Overlay& overlay = {}) const {
    std::map<RegionId, std::string> out;
    const control::DerpMap map = set.map_with(overlay);
    for (const auto& [id, each] : *map.regions) {
      out[id] = each.nodes.at(0).host_name;
    }
    return out;
  }
  void turn_off(RegionId id) { set.choices[id] = {id, true, 1}; }

  using Told = std::map<RegionId, std::string>;
  RelaySet set;
};

TEST_F(RelaySets, BeginWithOurOwnAndNobodyElses) {
  EXPECT_EQ(told(), (Told{{900, "coord.test"}}));
  EXPECT_TRUE(set.map_with({}).omit_default_regions);
}

TEST_F(RelaySets, ThoseWithMoreSayHideOthersOfTheirNumber) {
  set.fetched["https://a/"] = {{1, region(1, "a")}, {900, region(900, "theirs")}};
  set.fetched["https://b/"] = {{1, region(1, "b")}, {2, region(2, "b2")}};
  EXPECT_EQ(told(), (Told{{1, "a"}, {2, "b2"}, {900, "coord.test"}}));
  set.by_hand = {{1, region(1, "mine")}};
  EXPECT_EQ(told(), (Told{{1, "mine"}, {2, "b2"}, {900, "coord.test"}}));
  std::size_t hidden = 0;
  for (const auto& entry : set.entries()) hidden += entry.hidden;
  EXPECT_EQ(hidden, 3u);
}

TEST_F(RelaySets, TheOneWithMostSayCanBeOffWithoutShowingWhatItHid) {
  set.fetched["https://a/"] = {{1, region(1, "a")}};
  set.by_hand = {{1, region(1, "mine")}};
  turn_off(1);
  EXPECT_EQ(told(), (Told{{900, "coord.test"}}));
}

TEST_F(RelaySets, ANetworkAddsLeavesOutAndReplaces) {
  set.by_hand = {{1, region(1, "one")}, {2, region(2, "two")}};
  Overlay overlay;
  overlay.regions = {{2, region(2, "ours")}, {3, region(3, "three")}};
  overlay.left_out = {1};
  EXPECT_EQ(told(overlay), (Told{{2, "ours"}, {3, "three"}, {900, "coord.test"}}));
  overlay.omit_default_regions = true;
  EXPECT_EQ(told(overlay), (Told{{2, "ours"}, {3, "three"}}));
}

TEST_F(RelaySets, NobodyIsLeftWithoutARelay) {
  Overlay overlay;
  overlay.omit_default_regions = true;
  EXPECT_EQ(told(overlay), (Told{{900, "coord.test"}})) << "there is no other";
  overlay.regions = {{3, region(3, "stun", true)}};
  EXPECT_EQ(told(overlay), (Told{{3, "stun"}, {900, "coord.test"}}));
  overlay.left_out = {900};
  EXPECT_EQ(told(overlay), (Told{{900, "coord.test"}}));
  turn_off(900);
  EXPECT_FALSE(set.has_relay());
  set.by_hand = {{1, region(1, "one")}};
  EXPECT_TRUE(set.has_relay());
}

TEST_F(RelaySets, ScoresAreTheNetworksBeforeTheServers) {
  set.by_hand = {{1, region(1, "one")}};
  set.choices[1] = {1, false, 0.5};
  set.choices[900] = {900, false, 2};
  set.choices[7] = {7, false, 3};  // of a region that is gone
  Overlay overlay;
  overlay.score = {{900, 4}};
  using Scores = std::map<RegionId, double>;
  EXPECT_EQ(*set.map_with({}).home_params->region_score, (Scores{{1, 0.5}, {900, 2}}));
  EXPECT_EQ(*set.map_with(overlay).home_params->region_score, (Scores{{1, 0.5}, {900, 4}}));
}

TEST_F(RelaySets, NamesOfNodesAreUniqueAcrossMaps) {
  set.fetched["https://a/"] = {{1, region(1, "a")}};
  set.fetched["https://b/"] = {{2, region(2, "b")}};
  set.fetched["https://b/"].at(2).nodes.at(0).name = "1a";
  const auto map = set.map_with({});
  EXPECT_EQ(map.regions->at(1).nodes.at(0).name, "1a");
  EXPECT_EQ(map.regions->at(2).nodes.at(0).name, "2-1a");
}

}  // namespace
}  // namespace aya::relays
