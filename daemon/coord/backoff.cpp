#include "daemon/coord/backoff.h"

#include <algorithm>

#include "proto/base/parse_number.h"

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
  const unsigned seconds = parse_number<unsigned>(field).value_or(0);
  if (seconds > 0 && seconds <= 3600) return std::chrono::seconds(seconds);
  return 5s + 5s * rng.below(1001) / 1000;
}

}  // namespace aya::coord
