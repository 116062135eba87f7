#include "coord-server/relays/relay_text.h"

#include <gtest/gtest.h>

#include "proto/control/json_text.h"

namespace aya::relays {
namespace {

std::string region_with(const std::string& node) {
  return R"({"RegionCode":"fra","Nodes":[)" + node + "]}";
}

TEST(RelayText, FillsInWhatMayBeLeftOut) {
  const auto region =
      read_region(910, R"({"Nodes":[{"HostName":"a.example"},{"HostName":"b.example","Name":"x"},
                        {"HostName":"c.example"}]})");
  ASSERT_TRUE(region) << region.error();
  EXPECT_EQ(region->region_id, 910);
  EXPECT_EQ(region->region_code, "910");
  EXPECT_EQ(region->region_name, "910");
  std::vector<std::string> names;
  for (const auto& node : region->nodes) {
    EXPECT_EQ(node.region_id, 910);
    names.push_back(node.name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"910a", "x", "910b"}));
}

TEST(RelayText, ReadsAMapAsOtherServersPublishIt) {
  const auto map = read_map(R"({"Regions":{"1":{"RegionID":1,"RegionCode":"nyc",
      "RegionName":"New York City","Latitude":40.7,"Longitude":-74.0,"Nodes":[
        {"Name":"1f","RegionID":1,"HostName":"derp1f.example.com","IPv4":"199.38.181.104",
         "IPv6":"2607:f740:f::bc","CanPort80":true},
        {"Name":"1g","RegionID":1,"HostName":"derp1g.example.com","IPv4":"none"}]}},
      "HomeParams":{"RegionScore":{"1":0.5}},"omitDefaultRegions":true,"More":1})");
  ASSERT_TRUE(map) << map.error();
  EXPECT_TRUE(map->omit_default_regions);
  EXPECT_EQ(map->score.at(1), 0.5);
  EXPECT_EQ(map->regions.at(1).nodes.at(1).host_name, "derp1g.example.com");
  EXPECT_TRUE(has_relay(map->regions));
}

struct Refused {
  const char* node;
  const char* why;
};
class RelayNodes : public testing::TestWithParam<Refused> {};

TEST_P(RelayNodes, AreRefusedInOneLine) {
  const auto region = read_region(7, region_with(GetParam().node));
  ASSERT_FALSE(region);
  EXPECT_NE(region.error().find(GetParam().why), std::string::npos) << region.error();
  EXPECT_EQ(region.error().find('\n'), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(
    Wrong, RelayNodes,
    testing::Values(
        Refused{R"({})", "HostName"}, Refused{R"({"HostName":"a b"})", "HostName"},
        Refused{R"({"HostName":"a","IPv4":"2001:db8::1"})", "IPv4"},
        Refused{R"({"HostName":"a","IPv6":"192.0.2.1"})", "IPv6"},
        Refused{R"({"HostName":"a","DERPPort":65536})", "DERPPort"},
        Refused{R"({"HostName":"a","STUNPort":-2})", "STUNPort"},
        Refused{R"({"HostName":"a","RegionID":8})", "another region"},
        Refused{R"({"HostName":"a","Name":"n"},{"HostName":"b","Name":"n"})", "called n"},
        Refused{R"({"HostName":"a","Name":"x\u0007"})", "control character"},
        Refused{"7", "not a region"}));

TEST(RelayText, RefusesMapsThatCutNodesOff) {
  EXPECT_FALSE(read_map("[]"));
  EXPECT_FALSE(read_map(R"({"Regions":{"0":{"Nodes":[{"HostName":"a"}]}}})"));
  EXPECT_TRUE(read_map(R"({"Regions":{"70000":{"Nodes":[{"HostName":"a"}]}}})")->regions.empty());
  EXPECT_FALSE(read_map(R"({"Regions":{"1":{"Nodes":[]}}})"));
  EXPECT_FALSE(read_map(R"({"Regions":{"1":{"RegionID":2,"Nodes":[{"HostName":"a"}]}}})"));
  EXPECT_FALSE(read_map(R"({"HomeParams":{"RegionScore":{"1":0}}})"));
  const auto same_names = read_map(
      R"({"Regions":{"1":{"Nodes":[{"Name":"n","HostName":"a"}]},
                     "2":{"Nodes":[{"Name":"n","HostName":"b"}]}}})");
  ASSERT_FALSE(same_names);
  EXPECT_EQ(same_names.error(), "two nodes are called n");
}

TEST(RelayText, KnowsWhatCarriesPackets) {
  EXPECT_FALSE(has_relay(*read_region(1, region_with(R"({"HostName":"a","STUNOnly":true})"))));
  EXPECT_TRUE(has_relay(
      *read_region(1, region_with(R"({"HostName":"a","STUNOnly":true},{"HostName":"b"})"))));
}

}  // namespace
}  // namespace aya::relays
