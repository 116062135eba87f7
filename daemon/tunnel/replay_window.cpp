#include "daemon/tunnel/replay_window.h"

#include <algorithm>

#include "proto/wireguard/constants.h"

namespace aya::tunnel {

bool ReplayWindow::accept(std::uint64_t counter) {
  if (counter >= wireguard::kRejectAfterMessages) return false;
  const std::uint64_t word = counter / 64;
  if (counter > newest_) {
    const std::uint64_t newest_word = newest_ / 64;
    const std::uint64_t fresh = std::min<std::uint64_t>(word - newest_word, kWords);
    for (std::uint64_t i = 1; i <= fresh; ++i) seen_[(newest_word + i) % kWords] = 0;
    newest_ = counter;
  } else if (newest_ - counter > kReach) {
    return false;
  }
  std::uint64_t& bits = seen_[word % kWords];
  const std::uint64_t bit = std::uint64_t{1} << counter % 64;
  const bool first_time = (bits & bit) == 0;
  bits |= bit;
  return first_time;
}

}  // namespace aya::tunnel
