// TokenBucket: so many units at once, then so many a second. Never reads a clock; costs sixteen
// bytes, so tables of them are cheap. A new bucket is full.
#pragma once

#include <algorithm>
#include <cstdint>

#include "proto/base/time.h"

namespace aya {

struct TokenRate {
  double per_second = 0;
  double burst = 0;
};

class TokenBucket {
 public:
  // True if `cost` was there, and is now taken.
  bool take(const TokenRate& rate, double cost, TimePoint now) {
    refill(rate, now);
    if (spent_ + cost > rate.burst) return false;
    spent_ += cost;
    return true;
  }

  // Takes `cost` in any case, into debt if need be. The result is how long to wait until the
  // bucket is out of debt: zero if there is none.
  Duration charge(const TokenRate& rate, double cost, TimePoint now) {
    refill(rate, now);
    spent_ += cost;
    const double debt = spent_ - rate.burst;
    if (debt <= 0) return Duration::zero();
    return std::chrono::ceil<Duration>(std::chrono::duration<double>(debt / rate.per_second));
  }

 private:
  void refill(const TokenRate& rate, TimePoint now) {
    if (now > last_) {
      const std::chrono::duration<double> passed = now - last_;
      spent_ = std::max(0.0, spent_ - passed.count() * rate.per_second);
    }
    last_ = std::max(last_, now);
  }

  double spent_ = 0;
  TimePoint last_{};
};

}  // namespace aya
