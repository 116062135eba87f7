// Counts how often somebody undid us: three times in five seconds, and there is no point. Pure.
#pragma once

#include <deque>

#include "proto/base/time.h"

namespace aya::host_dns {

class Fights {
 public:
  static constexpr std::size_t kMax = 3;
  static constexpr Duration kWindow = 5s;

  // True: that was one too many.
  bool note(TimePoint now) {
    recent_.push_back(now);
    while (now - recent_.front() > kWindow) recent_.pop_front();
    return recent_.size() >= kMax;
  }
  void forget() { recent_.clear(); }

 private:
  std::deque<TimePoint> recent_;
};

}  // namespace aya::host_dns
