// How much of something there is per second, as of late: what is long ago counts less and less.
// Pure.
#pragma once

#include "proto/base/time.h"

namespace aya::log_streams {

class Rate {
 public:
  static constexpr std::chrono::seconds kMemory = std::chrono::minutes(5);

  void add(double amount, WallTime now);
  double per_second(WallTime now) const;

 private:
  double left(WallTime now) const;

  double amount_ = 0;
  WallTime at_ = {};
};

}  // namespace aya::log_streams
