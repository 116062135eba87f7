// Reproducible bytes that look random enough: a counter through a mixing function. The same seed
// replays the same run.
#pragma once

#include "proto/base/rng.h"

namespace aya::test {

class CountingRng final : public Rng {
 public:
  explicit CountingRng(std::uint64_t seed = 1) : state_(seed) {}
  void fill(MutableBytes out) override {
    for (std::byte& byte : out) {
      state_ += 0x9e3779b97f4a7c15u;
      std::uint64_t z = state_;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
      byte = static_cast<std::byte>(z >> 56);
    }
  }

 private:
  std::uint64_t state_;
};

}  // namespace aya::test
