// Which counters of a session were seen: a ring of bits in the manner of RFC 6479, in which moving
// ahead clears whole words instead of shifting. Several senders' queues may disorder packets by
// thousands, hence the size (dataplane 1.10).
#pragma once

#include <array>
#include <cstdint>

namespace aya::tunnel {

class ReplayWindow {
 public:
  // How far behind the newest a counter may be; one word of the ring is always being refilled.
  static constexpr std::uint64_t kReach = 8128;

  // True once for every counter that is not too old, and marks it. Only for authentic packets: a
  // forged counter would close the window to the real ones.
  bool accept(std::uint64_t counter);

 private:
  static constexpr std::size_t kWords = 128;
  static_assert(kReach == (kWords - 1) * 64);

  std::uint64_t newest_ = 0;
  std::array<std::uint64_t, kWords> seen_{};
};

}  // namespace aya::tunnel
