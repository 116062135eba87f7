// Random bytes behind a seam, so that a core under test replays exactly.
#pragma once

#include <array>
#include <cstdint>

#include "proto/base/bytes.h"

namespace aya {

class Rng {
 public:
  virtual ~Rng() = default;
  virtual void fill(MutableBytes out) = 0;

  template <std::size_t N>
  std::array<std::byte, N> array() {
    std::array<std::byte, N> out;
    fill(out);
    return out;
  }
  std::uint32_t u32();
  // Uniform in [0, bound); bound must not be 0.
  std::uint32_t below(std::uint32_t bound);
};

// The operating system's generator, through libsodium. Any thread.
class SystemRng final : public Rng {
 public:
  SystemRng();
  void fill(MutableBytes out) override;
};

}  // namespace aya
