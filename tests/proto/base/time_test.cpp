#include "proto/base/time.h"

#include <gtest/gtest.h>

namespace aya {
namespace {

TEST(Rfc3339, RoundTrips) {
  for (const char* text :
       {"1970-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-11-25T20:06:10.5Z",
        "2024-02-29T23:59:59.000000001Z", "1999-12-31T00:00:00Z"}) {
    const auto time = parse_rfc3339(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(to_rfc3339(*time), text);
  }
}

TEST(Rfc3339, ReadsEveryOffset) {
  EXPECT_EQ(parse_rfc3339("1970-01-01T09:02:03+09:00"), parse_rfc3339("1970-01-01T00:02:03Z"));
  EXPECT_EQ(parse_rfc3339("1969-12-31T19:02:03-05:00"), parse_rfc3339("1970-01-01T00:02:03Z"));
}

TEST(Rfc3339, TheUnsetYearIsTheEarliestTime) {
  EXPECT_EQ(parse_rfc3339(kZeroTimeText), WallTime::min());
}

TEST(Rfc3339, RefusesBadText) {
  for (const char* text :
       {"", "2026", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:00", "2026-01-01 00:00:00Z", "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00Zx", "2026-01-01T00:00:00+9"}) {
    EXPECT_FALSE(parse_rfc3339(text)) << text;
  }
}

}  // namespace
}  // namespace aya
