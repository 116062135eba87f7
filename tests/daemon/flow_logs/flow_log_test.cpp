// When a node counts, when a window ends, and when the server is told, in virtual time.
#include "daemon/flow_logs/flow_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/seeded_rng.h"

namespace aya::flow_logs {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class Logging : public testing::Test {
 protected:
  void count() {
    ASSERT_NE(log.counter(), nullptr);
    const FlowKey key{
        6, *Endpoint::parse("100.64.0.1:1"), *Endpoint::parse("100.64.0.2:443")};
    Count* known = log.counter()->known(Way::Sent, key);
    Count& count = known != nullptr ? *known : log.counter()->begin(Way::Sent, key, Kind::Mesh);
    ++count.sent_packets;
  }
  // As the shell does it; what is sent is collected, and answered with `status` at once.
  void advance(Duration by) {
    const TimePoint end = now + by;
    for (;;) {
      const auto next = log.next_deadline();
      const TimePoint to = next && *next < end ? std::max(*next, now) : end;
      wall += to - now;
      now = to;
      log.advance(now, wall);
      if (auto report = log.take_report(now)) {
        sent.push_back({now, *report});
        if (status) log.on_answer(*status, {}, now);
      }
      if (now == end) return;
    }
  }
  std::size_t windows() const {
    std::size_t out = 0;
    for (const auto& [at, report] : sent) out += report.windows.size();
    return out;
  }
  void traffic(int windows) {
    for (int i = 0; i < windows; ++i) {
      count();
      advance(FlowLog::kWindow);
    }
  }

  test::SeededRng rng;
  TimePoint now{1h};
  WallTime wall = *parse_rfc3339("2026-02-01T09:00:00.0005Z");
  FlowLog log{rng};
  std::optional<int> status = 200;
  std::vector<std::pair<TimePoint, control::FlowReport>> sent;
};

TEST_F(Logging, IsOffUntilTheServerSaysSo) {
  EXPECT_EQ(log.counter(), nullptr);
  EXPECT_FALSE(log.next_deadline());
  log.set("n1", false, now);
  EXPECT_EQ(log.counter(), nullptr);
  log.set("n1", true, now);
  FlowCounter* counter = log.counter();
  ASSERT_NE(counter, nullptr);
  log.set("n1", true, now);
  EXPECT_EQ(log.counter(), counter) << "said again, nothing begins anew";
}

TEST_F(Logging, WindowsOfFiveSecondsTravelTogether) {
  log.set("n1", true, now);
  traffic(12);
  advance(30s);
  EXPECT_EQ(windows(), 12u);
  EXPECT_LE(sent.size(), 6u);
  const control::FlowWindow& first = sent[0].second.windows[0];
  EXPECT_EQ(first.start, parse_rfc3339("2026-02-01T09:00:00Z"));
  EXPECT_EQ(first.end, parse_rfc3339("2026-02-01T09:00:05Z"));
  EXPECT_EQ(log.counters().windows.sent, 12u);
  EXPECT_EQ(log.counters().waiting, 0u);
}

TEST_F(Logging, WithoutTrafficNothingIsTold) {
  log.set("n1", true, now);
  advance(10min);
  EXPECT_THAT(sent, IsEmpty());
}

TEST_F(Logging, WhatIsNotTakenIsTriedAgain) {
  log.set("n1", true, now);
  status = 0;
  traffic(24);
  ASSERT_GE(sent.size(), 3u);
  const std::size_t tries = sent.size();
  EXPECT_EQ(sent[0].second.first, 0u);
  EXPECT_EQ(sent.back().second.first, 0u) << "in order";
  sent.clear();
  status = 200;
  advance(1min);
  EXPECT_EQ(windows(), 24u) << "after " << tries << " tries";
}

TEST_F(Logging, AnAnswerThatDoesNotComeIsNone) {
  log.set("n1", true, now);
  status.reset();
  traffic(4);
  EXPECT_THAT(sent, SizeIs(1)) << "one at a time";
  status = 200;
  advance(FlowLog::kAnswerWithin + 10s);
  EXPECT_GE(sent.size(), 2u);
  EXPECT_EQ(sent[1].second.first, 0u);
  EXPECT_EQ(log.counters().waiting, 0u);
}

TEST_F(Logging, WhatIsRefusedForGoodGoes) {
  log.set("n1", true, now);
  status = 400;
  traffic(8);
  advance(30s);
  EXPECT_EQ(log.counters().windows.refused, 8u);
  EXPECT_EQ(log.counters().waiting, 0u);
  EXPECT_NE(log.counter(), nullptr);
}

TEST_F(Logging, AServerThatDoesNotKnowItIsLeftAlone) {
  for (const int unknown : {404, 405, 501}) {
    log.set("n1", false, now);
    log.set("n1", true, now);
    sent.clear();
    status = unknown;
    count();
    advance(1min);
    EXPECT_THAT(sent, SizeIs(1)) << unknown;
    EXPECT_EQ(log.counter(), nullptr);
    EXPECT_FALSE(log.next_deadline());
    log.set("n1", true, now);
    EXPECT_EQ(log.counter(), nullptr) << "though the map says so still";
  }
}

TEST_F(Logging, OffNothingIsKept) {
  log.set("n1", true, now);
  status = 0;
  traffic(4);
  EXPECT_GT(log.counters().waiting, 0u);
  log.set("n1", false, now);
  EXPECT_EQ(log.counter(), nullptr);
  EXPECT_EQ(log.counters().waiting, 0u);
  log.on_answer(200, {}, now);  // to what was under way
  EXPECT_EQ(log.counters().windows.sent, 0u);
}

TEST_F(Logging, OneNetworkIsNotToldOfAnother) {
  log.set("n1", true, now);
  status = 0;
  traffic(4);
  count();
  log.set("n2", true, now);
  EXPECT_EQ(log.counters().waiting, 0u);
  status = 200;
  sent.clear();
  advance(1min);
  EXPECT_THAT(sent, IsEmpty());
}

TEST_F(Logging, AClockThatIsSetMakesNoLongWindow) {
  log.set("n1", true, now);
  count();
  wall += std::chrono::hours(24 * 365);
  advance(30s);
  ASSERT_THAT(sent, SizeIs(1));
  const control::FlowWindow& window = sent[0].second.windows[0];
  EXPECT_EQ(*window.end - *window.start, FlowLog::kWindow);
}

}  // namespace
}  // namespace aya::flow_logs
