#include "daemon/app/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace aya::app {
namespace {

using testing::HasSubstr;

TEST(UserMetrics, TotalsGrowOverMeshesAndPrintUnderKnownNames) {
  local::TrafficTotals first, second;
  first.in_by(local::Way::DirectV6) = {2, 300};
  first.dropped_in_by(local::DropReason::Acl) = 5;
  second.in_by(local::Way::DirectV6) = {1, 20};
  second.dropped_in_by(local::DropReason::Acl) = 1;
  second.handshakes_done = 4;
  first.add(second);
  local::UserMetrics metrics;
  metrics.totals = first;
  metrics.home_region = 900;
  metrics.health_warnings = 2;
  metrics.version = "1.2.3";
  const std::string page = local::to_prometheus(metrics);
  EXPECT_THAT(page, HasSubstr("tailscaled_inbound_packets_total{path=\"direct_ipv6\"} 3\n"));
  EXPECT_THAT(page, HasSubstr("tailscaled_inbound_bytes_total{path=\"direct_ipv6\"} 320\n"));
  EXPECT_THAT(page, HasSubstr("tailscaled_inbound_dropped_packets_total{reason=\"acl\"} 6\n"));
  EXPECT_THAT(page, HasSubstr("tailscaled_health_messages{type=\"warning\"} 2\n"));
  EXPECT_THAT(page, HasSubstr("tailscaled_home_derp_region_id 900\n"));
  EXPECT_THAT(page, HasSubstr("ayatori_handshakes_total{result=\"ok\"} 4\n"));
  EXPECT_THAT(page, HasSubstr("ayatori_build_info{version=\"1.2.3\"} 1\n"));
}

TEST(UserMetrics, OnlyWhatIsOfferedAndGrantedIsApproved) {
  local::Prefs prefs;
  prefs.advertise_routes = {
      *Prefix::parse("10.0.0.0/24"), *Prefix::parse("10.0.1.0/24"), *Prefix::parse("0.0.0.0/0"),
      *Prefix::parse("::/0")};
  control::Node self;
  EXPECT_EQ(advertised_routes(prefs), 2u);
  EXPECT_EQ(approved_routes(self, prefs), 0u);
  self.allowed_ips = {
      *Prefix::parse("100.64.0.1/32"), *Prefix::parse("10.0.1.0/24"), *Prefix::parse("0.0.0.0/0")};
  EXPECT_EQ(approved_routes(self, prefs), 1u);
}

}  // namespace
}  // namespace aya::app
