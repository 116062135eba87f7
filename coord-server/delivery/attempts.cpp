#include "coord-server/delivery/attempts.h"

#include <algorithm>

#include "coord-server/delivery/message.h"

namespace aya::delivery {

std::string trouble_in(const Outcome& outcome) {
  if (!outcome) return outcome.error().why;
  if (outcome->status >= 200 && outcome->status < 300) return {};
  return "the receiver answered " + std::to_string(outcome->status);
}

std::optional<WallTime> Attempts::next() const {
  if (under_way_) return std::nullopt;
  return not_before_;
}

bool Attempts::end(std::string trouble, WallTime now) {
  under_way_ = false;
  trouble_ = std::move(trouble);
  const bool given_up =
      patience_ == Patience::Limited && failures_ == kTryAgainAfter.size() && !trouble_.empty();
  if (trouble_.empty() || given_up) {
    try_at_once();
    return true;
  }
  not_before_ = now + kTryAgainAfter[std::min(failures_, kTryAgainAfter.size() - 1)];
  ++failures_;
  return false;
}

void Attempts::try_at_once() {
  failures_ = 0;
  not_before_ = {};
}

}  // namespace aya::delivery
