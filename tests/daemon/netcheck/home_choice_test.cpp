// Sequences of reports and where home is after each (nat-traversal 5.4).
#include "daemon/netcheck/home_choice.h"

#include <gtest/gtest.h>

namespace aya::netcheck {
namespace {

using Latencies = std::map<RegionId, Duration>;

class Homes : public testing::Test {
 protected:
  RegionId report(Latencies latencies, Duration after = 30s) {
    now += after;
    Report report;
    report.at = now;
    report.region_latency = std::move(latencies);
    return choice.add(report, now - 1s, score);
  }

  TimePoint now = TimePoint(1h);
  std::map<RegionId, double> score;
  HomeChoice choice;
};

TEST_F(Homes, FirstReportChoosesTheNearest) {
  EXPECT_EQ(report({{1, 40ms}, {2, 20ms}, {3, 90ms}}), 2);
}

TEST_F(Homes, NothingMeasuredKeepsHome) {
  EXPECT_EQ(report({}), 0);
  report({{2, 20ms}});
  EXPECT_EQ(report({}), 2);
}

TEST_F(Homes, SmallGainsDoNotMoveIt) {
  report({{1, 20ms}, {2, 50ms}});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(report({{1, 24ms}, {2, 16ms}}, 3min), 1) << "under 10 ms";
}

TEST_F(Homes, GainsOfLessThanAThirdDoNotMoveIt) {
  report({{1, 100ms}, {2, 200ms}});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(report({{1, 100ms}, {2, 70ms}}, 3min), 1);
}

TEST_F(Homes, LargeGainMovesItWhenItIsSeenTwice) {
  report({{1, 100ms}, {2, 200ms}});
  EXPECT_EQ(report({{1, 100ms}, {2, 30ms}}, 6min), 1);
  EXPECT_EQ(report({{1, 100ms}, {2, 30ms}}), 2);
}

TEST_F(Homes, OneLostProbeOfALiveHomeDoesNotMoveIt) {
  report({{1, 20ms}, {2, 200ms}});
  choice.note_frame(1, now + 29s);
  EXPECT_EQ(report({{2, 200ms}}), 1);
}

TEST_F(Homes, DeadHomeIsLeftAtOnce) {
  report({{1, 20ms}, {2, 200ms}});
  EXPECT_EQ(report({{2, 200ms}}), 2);
}

TEST_F(Homes, OldReportsAreForgotten) {
  report({{1, 5ms}, {2, 100ms}});
  report({{1, 300ms}, {2, 100ms}}, 1s);
  EXPECT_EQ(choice.home(), 1) << "it was at 5 ms a moment ago";
  report({{1, 300ms}, {2, 100ms}}, kKeepReportsFor + 1s);
  report({{1, 300ms}, {2, 100ms}});
  EXPECT_EQ(choice.home(), 2);
}

TEST_F(Homes, ScoresScaleLatencies) {
  score = {{1, 3.0}, {3, 0.0}};
  EXPECT_EQ(report({{1, 20ms}, {2, 50ms}, {3, 55ms}}), 2);
}

TEST_F(Homes, ForgottenHomeIsChosenAfresh) {
  report({{1, 20ms}, {2, 25ms}});
  choice.forget_home();
  EXPECT_EQ(report({{2, 25ms}}), 2);
}

TEST(FallbackHome, IsStableAndSkipsWhatMayNotBeHome) {
  RelayMap map;
  EXPECT_EQ(fallback_home(map, 7), 0);
  map.regions = {{.id = 9}, {.id = 4, .no_measure_no_home = true}, {.id = 2}};
  for (std::uint32_t seed = 0; seed < 10; ++seed) {
    const RegionId chosen = fallback_home(map, seed);
    EXPECT_TRUE(chosen == 2 || chosen == 9);
    EXPECT_EQ(chosen, fallback_home(map, seed));
  }
}

}  // namespace
}  // namespace aya::netcheck
