#include "daemon/routing/occupied.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace aya::routing {
namespace {

using testing::ElementsAre;

Prefix occupied_net(std::string_view text) { return *Prefix::parse(text); }
IpAddress occupied_at(std::string_view text) { return *IpAddress::parse(text); }

TEST(Occupied, IsWhatTheHostUsesOfTheOverlaysRangeWithoutTheMesh) {
  Surroundings around;
  EXPECT_TRUE(occupied_prefixes(around, 8).empty());
  around.lans = {{occupied_net("192.168.1.0/24"), "eth0"}, {occupied_net("100.72.0.0/16"), "wan"}};
  around.other_routes = {
      {occupied_net("100.100.2.136/32"), "eth0"}, {occupied_net("100.64.0.0/10"), "other0"}};
  around.own = {
      occupied_at("192.168.1.2"), occupied_at("100.72.0.7"), occupied_at("100.101.102.103")};
  around.gateways = {occupied_at("100.72.0.1")};
  around.servers = {occupied_at("9.9.9.9"), occupied_at("100.127.0.53")};
  EXPECT_THAT(
      occupied_prefixes(around, 8),
      ElementsAre(
          occupied_net("100.72.0.0/16"), occupied_net("100.100.2.136/32"),
          occupied_net("100.101.102.103/32"), occupied_net("100.127.0.53/32")));
  EXPECT_THAT(occupied_prefixes(around, 1), ElementsAre(occupied_net("100.72.0.0/16")));
}

}  // namespace
}  // namespace aya::routing
