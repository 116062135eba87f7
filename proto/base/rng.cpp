#include "proto/base/rng.h"

#include <sodium.h>

#include "proto/base/check.h"
#include "proto/base/endian.h"

namespace aya {

std::uint32_t Rng::u32() { return load_le<std::uint32_t>(array<4>().data()); }

std::uint32_t Rng::below(std::uint32_t bound) {
  AYA_CHECK(bound != 0);
  // Values under `2^32 mod bound` would make small results more likely: draw again.
  const std::uint32_t unfair = (0u - bound) % bound;
  for (;;) {
    const std::uint32_t drawn = u32();
    if (drawn >= unfair) return drawn % bound;
  }
}

SystemRng::SystemRng() { AYA_CHECK(sodium_init() >= 0); }

void SystemRng::fill(MutableBytes out) {
  if (!out.empty()) randombytes_buf(out.data(), out.size());
}

}  // namespace aya
