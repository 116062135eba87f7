// RepairPace says when to look for what others took away, and how often to put it back
// (os-integration 1.3): two programs that undo each other's work must not become a busy loop.
//
//   on_loss ----250 ms----> due ----look----> nothing missing | on_repaired (one fight)
//
// Ten looks are free; each five seconds bring one more. Pure.
#pragma once

#include <optional>

#include "proto/base/time.h"

namespace aya::os {

class RepairPace {
 public:
  static constexpr Duration kSettle = 250ms;
  static constexpr unsigned kAtOnce = 10;
  static constexpr Duration kOneMoreEvery = 5s;
  static constexpr unsigned kFightsToTell = 3;
  static constexpr Duration kForgetAfter = std::chrono::minutes(10);

  // Something of ours may be gone.
  void on_loss(TimePoint now);
  // Whether to look now.
  bool take_due(TimePoint now) { return take_if_due(due_, now); }
  std::optional<TimePoint> next_deadline() const { return due_; }

  // Something really was gone, and stands again.
  void on_repaired(TimePoint now);
  // Fights enough to tell a person, and none of them long ago.
  bool is_contested(TimePoint now) const;

 private:
  unsigned looks_ = kAtOnce;  // that are free now
  std::optional<TimePoint> next_look_earned_;
  std::optional<TimePoint> due_;
  unsigned fights_ = 0;
  std::optional<TimePoint> last_fight_;
};

}  // namespace aya::os
