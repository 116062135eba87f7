#include "coord-server/api/rate_limit.h"

#include <algorithm>
#include <cmath>

namespace aya::api {

// The calendar may be set back: then nothing has come in.
double RateLimit::tokens_at(const Bucket& bucket, WallTime now) const {
  const double seconds = std::chrono::duration<double>(now - bucket.at).count();
  return std::min(rate_.burst, bucket.tokens + std::max(0.0, seconds) * rate_.per_second);
}

std::optional<std::chrono::seconds> RateLimit::wait_for(double tokens) const {
  if (tokens >= 1) return std::nullopt;
  return std::chrono::seconds(
      std::max(1L, std::lround(std::ceil((1 - tokens) / rate_.per_second))));
}

std::optional<std::chrono::seconds> RateLimit::would_refuse(
    const std::string& who, WallTime now) const {
  const auto found = buckets_.find(who);
  return found == buckets_.end() ? std::nullopt : wait_for(tokens_at(found->second, now));
}

std::optional<std::chrono::seconds> RateLimit::refuse(const std::string& who, WallTime now) {
  if (buckets_.size() >= kSweepAt) sweep(now);
  Bucket& bucket = buckets_.try_emplace(who, Bucket{rate_.burst, now}).first->second;
  bucket = {tokens_at(bucket, now), now};
  if (const auto wait = wait_for(bucket.tokens)) return wait;
  bucket.tokens -= 1;
  return std::nullopt;
}

// A full bucket is as good as none. Where that frees nothing, all begin anew.
void RateLimit::sweep(WallTime now) {
  std::erase_if(
      buckets_, [&](const auto& entry) { return tokens_at(entry.second, now) >= rate_.burst; });
  if (buckets_.size() >= kSweepAt) buckets_.clear();
}

}  // namespace aya::api
