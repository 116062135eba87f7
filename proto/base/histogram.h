// How often something took how long: counts below fixed bounds from 1 ms to 30 s, as Prometheus
// reads them. One writer.
#pragma once

#include <array>
#include <cstdint>

#include "proto/base/time.h"

namespace aya {

class Histogram {
 public:
  static constexpr std::array<double, 12> kBounds = {  // seconds
      0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30};

  void add(Duration took) {
    const double seconds = std::chrono::duration<double>(took).count();
    for (std::size_t i = 0; i < kBounds.size(); ++i) {
      if (seconds <= kBounds[i]) ++within_[i];
    }
    ++count_;
    sum_ += seconds;
  }

  // So many took no longer than the bound of that number.
  std::uint64_t within(std::size_t bound) const { return within_[bound]; }
  std::uint64_t count() const { return count_; }
  double sum() const { return sum_; }

 private:
  std::array<std::uint64_t, kBounds.size()> within_{};
  std::uint64_t count_ = 0;
  double sum_ = 0;
};

}  // namespace aya
