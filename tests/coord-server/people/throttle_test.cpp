#include "coord-server/people/throttle.h"

#include <gtest/gtest.h>

namespace aya::people {
namespace {

constexpr WallTime kNow{std::chrono::hours(1000)};

TEST(Throttle, FourFailuresAreFreeAndThenTheWaitDoubles) {
  Throttle throttle(60s);
  for (int i = 0; i < 4; ++i) throttle.failed("alice", kNow);
  EXPECT_EQ(throttle.wait("alice", kNow), 0s);
  for (const auto wait : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s}) {
    throttle.failed("alice", kNow);
    EXPECT_EQ(throttle.wait("alice", kNow), wait);
  }
  EXPECT_EQ(throttle.wait("bob", kNow), 0s);
  EXPECT_EQ(throttle.wait("alice", kNow + 60s), 0s);
}

TEST(Throttle, SuccessForgivesAndSoDoesTime) {
  Throttle throttle(60s);
  for (int i = 0; i < 8; ++i) throttle.failed("alice", kNow);
  throttle.succeeded("alice");
  EXPECT_EQ(throttle.wait("alice", kNow), 0s);
  for (int i = 0; i < 8; ++i) throttle.failed("bob", kNow);
  throttle.failed("bob", kNow + 2h);
  EXPECT_EQ(throttle.wait("bob", kNow + 2h), 0s);
}

TEST(Throttle, ForgetsWhoFailedLongestAgoWhenThereAreTooMany) {
  Throttle throttle(60s);
  for (int i = 0; i < 6; ++i) throttle.failed("first", kNow);
  for (std::size_t i = 0; i < Throttle::kMost; ++i) {
    throttle.failed("other " + std::to_string(i), kNow + 1s);
  }
  EXPECT_EQ(throttle.wait("first", kNow), 0s);
}

}  // namespace
}  // namespace aya::people
