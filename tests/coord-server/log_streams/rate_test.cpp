#include "coord-server/log_streams/rate.h"

#include <gtest/gtest.h>

namespace aya::log_streams {
namespace {

TEST(Rate, NearsWhatIsSentAndForgetsIt) {
  WallTime now = *parse_rfc3339("2026-02-01T09:00:00Z");
  Rate rate;
  EXPECT_EQ(rate.per_second(now), 0);
  for (int i = 0; i < 3600; ++i) rate.add(2, now += 1s);
  EXPECT_NEAR(rate.per_second(now), 2, 0.02);
  EXPECT_NEAR(rate.per_second(now + 1h), 0, 0.001);
  EXPECT_NEAR(rate.per_second(now - 1h), 2, 0.02) << "the calendar was set back";
}

}  // namespace
}  // namespace aya::log_streams
