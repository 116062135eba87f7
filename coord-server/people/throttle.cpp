#include "coord-server/people/throttle.h"

#include <algorithm>

namespace aya::people {

std::chrono::seconds Throttle::wait(const std::string& who, WallTime now) const {
  const auto found = entries_.find(who);
  if (found == entries_.end() || found->second.until <= now) return std::chrono::seconds(0);
  return std::chrono::ceil<std::chrono::seconds>(found->second.until - now);
}

void Throttle::failed(const std::string& who, WallTime now) {
  if (entries_.size() >= kMost && !entries_.contains(who)) {
    entries_.erase(std::ranges::min_element(
        entries_, {}, [](const auto& entry) { return entry.second.last; }));
  }
  Entry& entry = entries_[who];
  if (entry.last + kForgiven < now) entry.failures = 0;
  entry.last = now;
  if (++entry.failures <= kFree) return;
  const unsigned doublings = std::min(entry.failures - kFree - 1, 20u);
  entry.until =
      now + std::min<std::chrono::seconds>(longest_, std::chrono::seconds(1 << doublings));
}

}  // namespace aya::people
