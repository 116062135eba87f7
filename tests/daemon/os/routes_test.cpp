// What the kernel is told, and at which pace it is told again.
#include "daemon/os/routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/os/repair_pace.h"

namespace aya::os {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

Prefix net(const char* text) { return *Prefix::parse(text); }
TableRoute tunnel(const char* text) { return {net(text), RouteKind::Tunnel}; }
TableRoute thrown(const char* text) { return {net(text), RouteKind::Throw}; }
TableRoute closed(const char* text) { return {net(text), RouteKind::Unreachable}; }

TEST(FeasibleRoutes, APrefixStandsInOneListOnly) {
  const RouteConfig made = feasible(
      {.addresses = {net("100.64.0.1/32")},
       .routes = {net("10.0.0.0/8"), net("192.168.1.7/24"), net("::/0")},
       .throws = {net("192.168.1.0/24")},
       .unreachable = {net("::/0"), net("192.168.1.0/24")}},
      {});
  EXPECT_THAT(made.routes, ElementsAre(net("10.0.0.0/8")));
  EXPECT_THAT(made.throws, ElementsAre(net("192.168.1.0/24")));
  EXPECT_THAT(made.unreachable, ElementsAre(net("::/0")));
}

TEST(FeasibleRoutes, WithoutIpv6OnTheInterfaceNothingLeaksByIt) {
  const RouteConfig made = feasible(
      {.addresses = {net("100.64.0.1/32"), net("fd7a::1/128")},
       .routes = {net("0.0.0.0/0"), net("::/0"), net("fd7a::2/128")},
       .throws = {net("2001:db8::/64")},
       .unreachable = {}},
      {.ipv6 = false});
  EXPECT_THAT(made.addresses, ElementsAre(net("100.64.0.1/32")));
  EXPECT_THAT(made.routes, ElementsAre(net("0.0.0.0/0")));
  EXPECT_THAT(made.unreachable, ElementsAre(net("::/0")));
  EXPECT_THAT(made.throws, ElementsAre(net("2001:db8::/64")));
}

TEST(FeasibleRoutes, TheMainTableGetsNothingThatCouldSwallowTheTunnel) {
  const RouteConfig made = feasible(
      {.addresses = {},
       .routes = {net("0.0.0.0/0"), net("10.0.0.0/8")},
       .throws = {net("10.1.0.0/16")},
       .unreachable = {net("::/0")}},
      {.policy_routing = false});
  EXPECT_THAT(made.routes, ElementsAre(net("10.0.0.0/8")));
  EXPECT_THAT(made.throws, IsEmpty());
  EXPECT_THAT(made.unreachable, IsEmpty());
}

TEST(RouteDifference, NothingChangesNothing) {
  const RouteConfig config{
      .addresses = {net("100.64.0.1/32")},
      .routes = {net("100.64.0.2/32")},
      .throws = {net("10.0.0.0/8")},
      .unreachable = {net("::/0")}};
  EXPECT_TRUE(difference(config, config).empty());
  EXPECT_FALSE(difference({}, config).empty());
}

TEST(RouteDifference, ThrowsComeFirstAndGoLast) {
  const RouteConfig config{
      .addresses = {},
      .routes = {net("0.0.0.0/0")},
      .throws = {net("192.168.1.0/24")},
      .unreachable = {net("::/0")}};
  EXPECT_THAT(
      difference({}, config).put,
      ElementsAre(thrown("192.168.1.0/24"), closed("::/0"), tunnel("0.0.0.0/0")));
  EXPECT_THAT(
      difference(config, {}).remove,
      ElementsAre(tunnel("0.0.0.0/0"), closed("::/0"), thrown("192.168.1.0/24")));
}

TEST(RouteDifference, AChangeOfKindReplacesInOneStep) {
  const RouteConfig open{.addresses = {}, .routes = {net("::/0")}, .throws = {}, .unreachable = {}};
  const RouteConfig shut{.addresses = {}, .routes = {}, .throws = {}, .unreachable = {net("::/0")}};
  const RouteChange change = difference(open, shut);
  EXPECT_THAT(change.put, ElementsAre(closed("::/0")));
  EXPECT_THAT(change.remove, IsEmpty());
}

TEST(RouteDifference, ANewPreferredSourceRewritesTheRoutesOfItsFamily) {
  RouteConfig have{
      .addresses = {net("100.64.0.1/32"), net("fd7a::1/128")},
      .routes = {net("100.64.0.2/32"), net("fd7a::2/128")},
      .throws = {net("10.0.0.0/8")},
      .unreachable = {}};
  RouteConfig want = have;
  want.addresses[0] = net("100.64.0.9/32");
  const RouteChange change = difference(have, want);
  EXPECT_THAT(change.add_addresses, ElementsAre(net("100.64.0.9/32")));
  EXPECT_THAT(change.remove_addresses, ElementsAre(net("100.64.0.1/32")));
  EXPECT_THAT(change.put, ElementsAre(tunnel("100.64.0.2/32")));
  EXPECT_THAT(change.remove, IsEmpty());
}

// ---- the pace of repairs

class Pace : public testing::Test {
 protected:
  // Loses and looks again at once, again and again until `until`: how often it looked.
  unsigned fight(TimePoint until) {
    unsigned looks = 0;
    for (;;) {
      pace.on_loss(now);
      const TimePoint due = *pace.next_deadline();
      if (due > until) return looks;
      now = due;
      EXPECT_TRUE(pace.take_due(now));
      pace.on_repaired(now);
      ++looks;
    }
  }
  RepairPace pace;
  TimePoint now{1000s};
};

TEST_F(Pace, ALossIsLookedAtOnceAfterItSettled) {
  pace.on_loss(now);
  pace.on_loss(now + 100ms);
  EXPECT_EQ(pace.next_deadline(), now + 250ms);
  EXPECT_FALSE(pace.take_due(now + 249ms));
  EXPECT_TRUE(pace.take_due(now + 250ms));
  EXPECT_EQ(pace.next_deadline(), std::nullopt);
}

TEST_F(Pace, AFightIsTenLooksAndThenOneEachFiveSeconds) {
  EXPECT_EQ(fight(now + 4s), 10u);
  const auto next = *pace.next_deadline();
  EXPECT_EQ(next, TimePoint{1005s});
  now = next;
  EXPECT_TRUE(pace.take_due(now));
  EXPECT_EQ(fight(TimePoint{1000s} + 60s), 11u);  // at 1010, 1015, ... 1060
}

TEST_F(Pace, PeaceEarnsLooksAgain) {
  fight(now + 4s);
  ASSERT_TRUE(pace.take_due(*pace.next_deadline()));
  now += 20s;
  EXPECT_GE(fight(now + 2s), 3u);
  ASSERT_TRUE(pace.take_due(*pace.next_deadline()));
  now += 10min;
  EXPECT_EQ(fight(now + 4s), 10u);
}

TEST_F(Pace, TheThirdFightIsToldAndForgottenAfterAWhile) {
  pace.on_repaired(now);
  pace.on_repaired(now);
  EXPECT_FALSE(pace.is_contested(now));
  pace.on_repaired(now);
  EXPECT_TRUE(pace.is_contested(now));
  EXPECT_TRUE(pace.is_contested(now + 9min));
  EXPECT_FALSE(pace.is_contested(now + 10min));
  pace.on_repaired(now + 11min);
  EXPECT_FALSE(pace.is_contested(now + 11min)) << "a new count";
}

}  // namespace
}  // namespace aya::os
