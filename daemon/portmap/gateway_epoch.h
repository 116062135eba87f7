// Whether a gateway has lost its mappings, from the clock it puts into every answer: seconds since
// it last did (RFC 6887, section 8.5; nat-traversal 6.5).
#pragma once

#include <optional>
#include <utility>

#include "proto/base/time.h"

namespace aya::portmap {

// Of one protocol of one gateway: the two clocks need not be the same.
class GatewayEpoch {
 public:
  // Takes the clock of an answer. True: the gateway restarted since the last one.
  bool restarted(std::uint32_t seconds, TimePoint now) {
    if (seconds == 0) return false;  // some gateways have no clock and say zero for ever
    const auto was = std::exchange(last_, Seen{std::chrono::seconds(seconds), now});
    if (!was) return false;
    const Duration theirs = last_->clock - was->clock;
    const Duration ours = now - was->at;
    // Backwards, or at another speed than ours by more than a sixteenth.
    return theirs < Duration::zero() || ours + kSlack < theirs - theirs / 16 ||
           theirs + kSlack < ours - ours / 16;
  }
  void forget() { last_.reset(); }

 private:
  struct Seen {
    Duration clock;
    TimePoint at;
  };
  static constexpr Duration kSlack = 2s;
  std::optional<Seen> last_;
};

}  // namespace aya::portmap
