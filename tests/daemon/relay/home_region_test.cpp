#include "daemon/relay/home_region.h"

#include <gtest/gtest.h>

#include "tests/support/seeded_rng.h"

namespace aya::relay {
namespace {

using Regions = std::vector<RegionId>;

struct HomeBench {
  explicit HomeBench(Regions map = {1, 2, 3}) {
    regions.set_regions(map, {}, effects);
    EXPECT_TRUE(take().dial.empty());
  }

  HomeRegion::Effects take() { return std::exchange(effects, {}); }
  bool choose(std::optional<RegionId> region, bool control = true) {
    return regions.choose(region, control, now, effects);
  }
  void connect(RegionId region) { regions.connected(region, now, effects); }
  void lose(RegionId region, std::optional<Duration> wait = {}) {
    regions.lost(region, wait, now, effects);
  }
  void want(RegionId region) { regions.want(region, now, effects); }
  // At home in region 1, connected.
  void settle_home() {
    choose(1);
    connect(1);
    take();
  }
  void pass(Duration time) {
    const TimePoint end = now + time;
    while (regions.next_deadline() && *regions.next_deadline() <= end) {
      now = std::max(now, *regions.next_deadline());
      regions.advance(now, effects);
    }
    now = end;
  }

  test::SeededRng rng;
  TimePoint now{1000s};
  HomeRegion regions{rng};
  HomeRegion::Effects effects;
};

std::vector<std::pair<RegionId, bool>> notes(const HomeRegion::Effects& effects) {
  std::vector<std::pair<RegionId, bool>> out;
  for (const auto& note : effects.note_preferred) out.emplace_back(note.region, note.is_home);
  return out;
}
using Notes = std::vector<std::pair<RegionId, bool>>;

TEST(HomeRegion, IsDialledFirstAndReportedOnceItGreets) {
  HomeBench bench;
  EXPECT_TRUE(bench.choose(2));
  auto out = bench.take();
  EXPECT_EQ(out.dial, Regions{2});
  EXPECT_FALSE(out.home_ready);
  bench.connect(2);
  out = bench.take();
  EXPECT_EQ(out.home_ready, 2);
  EXPECT_EQ(notes(out), (Notes{{2, true}}));
  EXPECT_FALSE(bench.choose(2));  // nothing new
  EXPECT_FALSE(bench.choose(std::nullopt));
}

TEST(HomeRegion, IsPickedByChanceButSteadilyWhenNothingAnswers) {
  HomeBench bench;
  EXPECT_TRUE(bench.choose(std::nullopt, false));
  const RegionId first = bench.regions.home();
  EXPECT_NE(first, 0);
  bench.regions.set_regions(Regions{1, 2, 3}, Regions{first}, bench.effects);
  EXPECT_EQ(bench.regions.home(), 0);
  EXPECT_TRUE(bench.choose(std::nullopt, false));
  EXPECT_EQ(bench.regions.home(), first);
}

TEST(HomeRegion, IsNoneWithoutAMap) {
  HomeBench bench(Regions{});
  EXPECT_FALSE(bench.choose(std::nullopt));
  EXPECT_FALSE(bench.choose(7));  // not in the map
  EXPECT_EQ(bench.regions.home(), 0);
}

TEST(HomeRegion, DoesNotMoveWhileControlIsAway) {
  HomeBench bench;
  bench.settle_home();
  EXPECT_FALSE(bench.choose(2, false));
  EXPECT_EQ(bench.regions.home(), 1);
  EXPECT_TRUE(bench.choose(2, true));
}

TEST(HomeRegion, MovesByConnectingFirstAndLettingTheOldOneIdleOut) {
  HomeBench bench;
  bench.settle_home();
  bench.choose(2);
  auto out = bench.take();
  EXPECT_EQ(out.dial, Regions{2});
  EXPECT_EQ(notes(out), (Notes{{1, false}}));
  bench.connect(2);
  EXPECT_EQ(bench.take().home_ready, 2);
  bench.pass(59s);
  EXPECT_TRUE(bench.take().hang_up.empty());
  bench.pass(16s);
  EXPECT_EQ(bench.take().hang_up, Regions{1});
  EXPECT_FALSE(bench.regions.is_connected(1));
  EXPECT_TRUE(bench.regions.is_connected(2));
}

TEST(HomeRegion, MovesAtOnceToARegionThatIsConnectedAlready) {
  HomeBench bench;
  bench.settle_home();
  bench.want(2);
  bench.connect(2);
  bench.take();
  bench.choose(2);
  const auto out = bench.take();
  EXPECT_EQ(out.home_ready, 2);
  EXPECT_EQ(notes(out), (Notes{{1, false}, {2, true}}));
  EXPECT_TRUE(out.dial.empty());
}

TEST(HomeRegion, IsNeverIdle) {
  HomeBench bench;
  bench.settle_home();
  bench.pass(3600s);
  EXPECT_TRUE(bench.take().hang_up.empty());
  EXPECT_FALSE(bench.regions.next_deadline());
}

TEST(OtherRegions, AreDialledOnDemandAndOnce) {
  HomeBench bench;
  bench.settle_home();
  bench.want(3);
  bench.want(3);
  EXPECT_EQ(bench.take().dial, Regions{3});
  bench.connect(3);
  EXPECT_EQ(notes(bench.take()), (Notes{{3, false}}));
  bench.want(3);
  EXPECT_TRUE(bench.take().dial.empty());
}

TEST(OtherRegions, AreClosedAMinuteAfterTheLastWrite) {
  HomeBench bench;
  bench.settle_home();
  bench.want(3);
  bench.connect(3);
  for (int i = 0; i < 10; ++i) {
    bench.pass(30s);
    bench.regions.wrote(3, bench.now);
  }
  EXPECT_TRUE(bench.take().hang_up.empty());
  bench.pass(60s + HomeRegion::kIdleCheck);
  EXPECT_EQ(bench.take().hang_up, Regions{3});
  EXPECT_FALSE(bench.regions.next_deadline());
}

TEST(OtherRegions, AreRedialledOnlyIfSomethingWaits) {
  HomeBench bench;
  bench.settle_home();
  bench.want(2);
  bench.want(3);
  bench.take();
  bench.lose(2);
  bench.lose(3);
  bench.want(3);  // too early: the back-off comes first
  EXPECT_TRUE(bench.take().dial.empty());
  bench.pass(1s);
  EXPECT_EQ(bench.take().dial, Regions{3});
  bench.want(2);
  EXPECT_EQ(bench.take().dial, Regions{2});
}

TEST(OtherRegions, OutsideTheMapAreNotDialled) {
  HomeBench bench;
  bench.want(77);
  EXPECT_TRUE(bench.take().dial.empty());
}

TEST(Redialling, BacksOffUpToFiveSecondsUntilAFrameIsHeard) {
  HomeBench bench;
  bench.choose(1);
  bench.take();
  std::vector<Duration> waits;
  for (int i = 0; i < 40; ++i) {
    bench.lose(1);
    const TimePoint due = *bench.regions.next_deadline();
    waits.push_back(due - bench.now);
    bench.pass(waits.back());
    EXPECT_EQ(bench.take().dial, Regions{1});
  }
  for (std::size_t n = 1; n <= waits.size(); ++n) {
    const Duration plain = std::min<Duration>(10ms * n * n, 5s);
    EXPECT_GE(waits[n - 1], plain / 2);
    EXPECT_LE(waits[n - 1], plain * 3 / 2);
  }
  bench.connect(1);
  bench.regions.heard(1);
  bench.lose(1);
  EXPECT_LE(*bench.regions.next_deadline() - bench.now, 15ms);
}

TEST(Redialling, WaitsAsLongAsARestartingRelayAsks) {
  HomeBench bench;
  bench.settle_home();
  bench.lose(1, 7s);
  EXPECT_FALSE(bench.regions.is_connected(1));
  bench.pass(7s - 1ns);
  EXPECT_TRUE(bench.take().dial.empty());
  bench.pass(1ns);
  EXPECT_EQ(bench.take().dial, Regions{1});
}

TEST(Redialling, IsNotSpedUpByTraffic) {
  HomeBench bench;
  bench.settle_home();
  bench.lose(1, 7s);
  bench.want(1);
  EXPECT_TRUE(bench.take().dial.empty());
}

TEST(ANewMap, HangsUpOnRegionsThatVanishedOrChanged) {
  HomeBench bench;
  bench.settle_home();
  bench.want(2);
  bench.want(3);
  bench.connect(2);
  bench.take();
  bench.regions.set_regions(Regions{1, 3}, Regions{3}, bench.effects);
  const auto out = bench.take();
  EXPECT_EQ(out.hang_up, (Regions{3, 2}));
  EXPECT_EQ(bench.regions.home(), 1);
}

TEST(ANewMap, ForgetsAHomeThatVanished) {
  HomeBench bench;
  bench.settle_home();
  bench.regions.set_regions(Regions{2}, {}, bench.effects);
  EXPECT_EQ(bench.take().hang_up, Regions{1});
  EXPECT_EQ(bench.regions.home(), 0);
  EXPECT_TRUE(bench.choose(std::nullopt, false));
  EXPECT_EQ(bench.regions.home(), 2);
}

}  // namespace
}  // namespace aya::relay
