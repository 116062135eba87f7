#include "coord-server/flow_logs/retention.h"

namespace aya::flow_logs {

store::Stored<void> Retention::advance(WallTime now) {
  // The calendar may have been set back.
  const bool rests = now < next_ && next_ - now <= kLookEvery;
  if (rests || storage_.newest_flow() == 0) return {};
  next_ = now + kLookEvery;
  auto more = storage_.prune_flows(now - limits_.age, limits_.bytes);
  if (!more) return more.error();
  if (*more) next_ = now + kNextPiece;
  return {};
}

// nullopt: there is nothing, and has never been.
std::optional<WallTime> Retention::next_due() const {
  if (storage_.newest_flow() == 0) return std::nullopt;
  return next_;
}

}  // namespace aya::flow_logs
