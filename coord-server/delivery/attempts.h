// Attempts to deliver to one place: one message at a time, and one that was not taken again after a
// while. Pure.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "proto/base/time.h"

namespace aya::delivery {

class Attempts {
 public:
  static constexpr std::array<std::chrono::seconds, 4> kTryAgainAfter = {
      std::chrono::seconds(10), std::chrono::minutes(1), std::chrono::minutes(5),
      std::chrono::minutes(25)};
  // What follows the last of those: the message is given up, or the same wait for ever.
  enum class Patience { Limited, Endless };

  explicit Attempts(Patience patience) : patience_(patience) {}

  bool under_way() const { return under_way_; }
  // When the next message may go; nullopt: there is one under way.
  std::optional<WallTime> next() const;
  bool may_begin(WallTime now) const { return next() && *next() <= now; }
  void begin() { under_way_ = true; }

  // `trouble`: of trouble_in(), or another one. Is that message over, taken or given up?
  bool end(std::string trouble, WallTime now);
  // Somebody has done something about it.
  void try_at_once();

  const std::string& trouble() const { return trouble_; }  // of the last one

 private:
  Patience patience_;
  bool under_way_ = false;
  std::size_t failures_ = 0;  // in a row
  WallTime not_before_ = {};
  std::string trouble_;
};

}  // namespace aya::delivery
