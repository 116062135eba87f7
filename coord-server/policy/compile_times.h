// How long it takes to work rules out: those of a network whose policy is new, and those of one
// node. The clock is the program's, as this room has none; without one nothing is measured.
#pragma once

#include "proto/base/histogram.h"

namespace aya::policy {

using Clock = TimePoint (*)();

class CompileTimes {
 public:
  explicit CompileTimes(Clock clock) : clock_(clock) {}

  // Measures from here to the end of the block.
  class Measure {
   public:
    explicit Measure(CompileTimes* into)
        : into_(into != nullptr && into->clock_ != nullptr ? into : nullptr),
          began_(into_ == nullptr ? TimePoint{} : into_->clock_()) {}
    ~Measure() {
      if (into_ != nullptr) into_->times_.add(into_->clock_() - began_);
    }
    Measure(const Measure&) = delete;
    Measure& operator=(const Measure&) = delete;

   private:
    CompileTimes* into_;
    TimePoint began_;
  };

  const Histogram& histogram() const { return times_; }

 private:
  Clock clock_;
  Histogram times_;
};

}  // namespace aya::policy
