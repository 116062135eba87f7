#include "daemon/coord/backoff.h"

#include <algorithm>
#include <charconv>

namespace aya::coord {
namespace {

constexpr Duration kLimit = 30s;
constexpr std::uint32_t kMostUseful = 60;  // 60² · 10 ms is over the limit

// `base` times 0.5 to 1.5.
Duration spread(Duration base, Rng& rng) { return base / 2 + base * rng.below(1001) / 1000; }

}  // namespace

Duration Backoff::next() {
  failures_ = std::min(failures_ + 1, kMostUseful);
  return spread(std::min<Duration>(10ms * failures_ * failures_, kLimit), rng_);
}

Duration retry_after(std::string_view field, Rng& rng) {
  unsigned seconds = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), seconds);
  const bool whole = error == std::errc() && end == field.data() + field.size();
  if (whole && seconds > 0 && seconds <= 3600) return std::chrono::seconds(seconds);
  return 5s + 5s * rng.below(1001) / 1000;
}

}  // namespace aya::coord
