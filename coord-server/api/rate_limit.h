// How often somebody may ask (interfaces 1.1): a bucket of tokens for each, which fills steadily
// and from which every request takes one. Pure. One thread.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "proto/base/time.h"

namespace aya::api {

class RateLimit {
 public:
  struct Rate {
    double per_second;
    double burst;
  };

  explicit RateLimit(Rate rate) : rate_(rate) {}

  // Takes one of the tokens of `who`; or says after how many seconds there will be one.
  std::optional<std::chrono::seconds> refuse(const std::string& who, WallTime now);
  // The same without taking any.
  std::optional<std::chrono::seconds> would_refuse(const std::string& who, WallTime now) const;

  std::size_t size() const { return buckets_.size(); }

 private:
  static constexpr std::size_t kSweepAt = 10'000;
  struct Bucket {
    double tokens;
    WallTime at;
  };
  double tokens_at(const Bucket& bucket, WallTime now) const;
  std::optional<std::chrono::seconds> wait_for(double tokens) const;
  void sweep(WallTime now);

  Rate rate_;
  std::map<std::string, Bucket> buckets_;  // those that are not full
};

}  // namespace aya::api
