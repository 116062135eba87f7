#include "proto/local/route_map.h"

#include <gtest/gtest.h>

#include "proto/local/prefs.h"

namespace aya::local {
namespace {

struct TextCase {
  const char* name;
  const char* text;
  const char* problem;  // part of the sentence; empty: it is readable
};

class RouteMapText : public testing::TestWithParam<TextCase> {};

TEST_P(RouteMapText, IsReadOrRefusedWithAReason) {
  const auto& [name, text, problem] = GetParam();
  const auto map = parse_route_map(text);
  if (*problem == '\0') {
    ASSERT_TRUE(map) << map.error();
    EXPECT_EQ(map->to_text(), text);
  } else {
    ASSERT_FALSE(map);
    EXPECT_NE(map.error().find(problem), std::string::npos) << map.error();
  }
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(RouteMap, RouteMapText, testing::Values(
    TextCase{"networks", "10.99.1.0/24=192.168.1.0/24", ""},
    TextCase{"single_machines", "10.99.1.5/32=192.168.1.5/32", ""},
    TextCase{"no_sign", "10.99.1.0/24", "OFFERED=REAL"},
    TextCase{"no_network", "10.99.1.0/24=home", "both sides"},
    TextCase{"nothing", "=", "both sides"},
    TextCase{"three", "10.99.1.0/24=10.1.0.0/24=10.2.0.0/24", "both sides"},
    TextCase{"other_size", "10.99.0.0/16=192.168.1.0/24", "differ in size"},
    TextCase{"ipv6", "fd00:1::/64=fd00:2::/64", "only IPv4"},
    TextCase{"host_bits", "10.99.1.1/24=192.168.1.0/24", "address bits"},
    TextCase{"everything", "0.0.0.0/0=0.0.0.0/0", "whole Internet"}),
    [](const auto& one) { return std::string(one.param.name); });
// clang-format on

TEST(RouteMap, TwoThatOverlapOnEitherSideContradictEachOther) {
  const auto map = [](std::string_view text) { return *parse_route_map(text); };
  const RouteMap one = map("10.99.1.0/24=192.168.1.0/24");
  EXPECT_EQ(contradiction({one, map("10.99.2.0/24=192.168.2.0/24")}), std::nullopt);
  EXPECT_TRUE(contradiction({one, map("10.99.1.128/25=192.168.2.0/25")}));
  EXPECT_TRUE(contradiction({one, map("10.99.2.0/24=192.168.1.0/24")}));
}

TEST(RouteMap, IsASettingThatDeployedFrontEndsNeitherSeeNorLose) {
  Prefs prefs;
  EXPECT_EQ(to_json(prefs).find("RouteMaps"), std::string::npos);
  prefs.advertise_routes = {*Prefix::parse("10.99.1.0/24"), *Prefix::parse("10.0.0.0/24")};
  prefs.route_maps = {*parse_route_map("10.99.1.0/24=192.168.1.0/24")};
  EXPECT_EQ(*parse_prefs(to_json(prefs)), prefs);
  EXPECT_EQ(prefs.real_network(prefs.advertise_routes[0]).to_text(), "192.168.1.0/24");
  EXPECT_EQ(prefs.real_network(prefs.advertise_routes[1]).to_text(), "10.0.0.0/24");
  const auto edit = parse_masked_prefs(R"({"AdvertiseRoutesSet":true,"AdvertiseRoutes":null})");
  EXPECT_EQ(apply(*edit, prefs).route_maps, prefs.route_maps);
  EXPECT_FALSE(parse_masked_prefs(R"({"RouteMapsSet":true,"RouteMaps":["10.0.0.0/8"]})"));
  const auto twice = parse_masked_prefs(
      R"({"RouteMapsSet":true,"RouteMaps":["10.1.0.0/24=10.0.0.0/24","10.1.0.0/24=10.3.0.0/24"]})");
  EXPECT_TRUE(refusal(*twice));
}

}  // namespace
}  // namespace aya::local
