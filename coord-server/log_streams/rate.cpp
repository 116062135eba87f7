#include "coord-server/log_streams/rate.h"

#include <algorithm>
#include <cmath>

namespace aya::log_streams {

// The calendar may have been set back meanwhile.
double Rate::left(WallTime now) const {
  const std::chrono::duration<double> gone = std::max<Duration>(now - at_, 0ns);
  return amount_ * std::exp(-gone.count() / static_cast<double>(kMemory.count()));
}

void Rate::add(double amount, WallTime now) {
  amount_ = left(now) + amount;
  at_ = now;
}

double Rate::per_second(WallTime now) const {
  return left(now) / static_cast<double>(kMemory.count());
}

}  // namespace aya::log_streams
