// Two clocks, two types. TimePoint runs steadily and is what cores are told as `now`; WallTime is
// the calendar, for expiries and for what people read. Cores never read a clock: shells pass `now`.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace aya {

using namespace std::chrono_literals;

using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;
using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;

// RFC 3339 in UTC, nanoseconds without trailing zeros: "2026-01-01T00:00:00Z".
std::string to_rfc3339(WallTime time);

// Any RFC 3339 offset is read. The result is limited to what WallTime holds (years 1677 to 2262);
// earlier instants, among them the year-1 "unset", come back as WallTime::min(). nullopt: not a
// time.
std::optional<WallTime> parse_rfc3339(std::string_view text);

// The year-1 instant that Go programs write for "no time".
inline constexpr std::string_view kZeroTimeText = "0001-01-01T00:00:00Z";

// Disarms a deadline that has been reached, and says so: the form every timer step takes.
inline bool take_if_due(std::optional<TimePoint>& deadline, TimePoint now) {
  if (!deadline || *deadline > now) return false;
  deadline.reset();
  return true;
}

// The earlier of two optional deadlines.
inline std::optional<TimePoint> earlier(std::optional<TimePoint> a, std::optional<TimePoint> b) {
  if (!a) return b;
  if (!b) return a;
  return *a < *b ? a : b;
}

}  // namespace aya
