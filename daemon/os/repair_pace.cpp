#include "daemon/os/repair_pace.h"

#include <algorithm>

namespace aya::os {

void RepairPace::on_loss(TimePoint now) {
  if (due_) return;
  while (next_look_earned_ && *next_look_earned_ <= now) {
    ++looks_;
    next_look_earned_ =
        looks_ < kAtOnce ? std::optional(*next_look_earned_ + kOneMoreEvery) : std::nullopt;
  }
  if (!next_look_earned_) next_look_earned_ = now + kOneMoreEvery;
  if (looks_ > 0) {
    --looks_;
    due_ = now + kSettle;
    return;
  }
  // The look that is earned next is spent already.
  due_ = std::max(now + kSettle, *next_look_earned_);
  next_look_earned_ = *next_look_earned_ + kOneMoreEvery;
}

void RepairPace::on_repaired(TimePoint now) {
  if (last_fight_ && now - *last_fight_ >= kForgetAfter) fights_ = 0;
  ++fights_;
  last_fight_ = now;
}

bool RepairPace::is_contested(TimePoint now) const {
  return fights_ >= kFightsToTell && now - *last_fight_ < kForgetAfter;
}

}  // namespace aya::os
