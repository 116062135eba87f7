#include "daemon/tunnel/timer_queue.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/support/tunnel_pair.h"

namespace aya::tunnel {
namespace {

TimePoint at(int seconds) { return TimePoint{std::chrono::seconds(seconds)}; }

TEST(TimerQueue, GivesPeersInTheOrderOfTheirDeadlines) {
  TimerQueue queue;
  for (std::uint32_t i = 0; i < 5; ++i) queue.admit(PeerId{i});
  queue.arm(PeerId{0}, at(30));
  queue.arm(PeerId{1}, at(10));
  queue.arm(PeerId{2}, at(20));
  EXPECT_EQ(queue.earliest(), at(10));
  EXPECT_EQ(queue.take_due(at(9)), std::nullopt);
  EXPECT_EQ(queue.take_due(at(25)), PeerId{1});
  EXPECT_EQ(queue.take_due(at(25)), PeerId{2});
  EXPECT_EQ(queue.take_due(at(25)), std::nullopt);
  EXPECT_EQ(queue.earliest(), at(30));
}

TEST(TimerQueue, KeepsTheEarlierDeadline) {
  TimerQueue queue;
  queue.admit(PeerId{0});
  queue.arm(PeerId{0}, at(10));
  queue.arm(PeerId{0}, at(50));
  EXPECT_EQ(queue.earliest(), at(10));
  queue.arm(PeerId{0}, at(5));
  EXPECT_EQ(queue.earliest(), at(5));
}

// Against the obvious: a map from peer to deadline.
TEST(TimerQueue, AgreesWithAMapOverManyRandomSteps) {
  test::SeededRng rng(4);
  TimerQueue queue;
  std::map<std::uint32_t, TimePoint> model;
  for (std::uint32_t i = 0; i < 100; ++i) queue.admit(PeerId{i});
  for (int step = 0; step < 50000; ++step) {
    const std::uint32_t peer = rng.below(100);
    const TimePoint when = at(static_cast<int>(rng.below(1000)));
    switch (rng.below(4)) {
      case 0:
        queue.disarm(PeerId{peer});
        model.erase(peer);
        break;
      case 1:
        while (const auto due = queue.take_due(at(static_cast<int>(rng.below(40))))) {
          ASSERT_TRUE(model.contains(due->value));
          for (const auto& [other, deadline] : model) ASSERT_LE(model[due->value], deadline);
          model.erase(due->value);
        }
        break;
      default:
        queue.arm(PeerId{peer}, when);
        const auto known = model.find(peer);
        if (known == model.end() || when < known->second) model[peer] = when;
    }
    std::optional<TimePoint> expected;
    for (const auto& [other, deadline] : model) expected = earlier(expected, deadline);
    ASSERT_EQ(queue.earliest(), expected);
  }
}

}  // namespace
}  // namespace aya::tunnel
