// Reproducible bytes, good enough to spread delays and losses, and to make keys that nobody
// attacks. The same seed replays the same run.
#pragma once

#include "proto/base/rng.h"

namespace aya::test {

class SeededRng final : public Rng {
 public:
  explicit SeededRng(std::uint64_t seed = 1) : state_(seed * 2 + 1) {}
  void fill(MutableBytes out) override {
    for (std::byte& b : out) b = static_cast<std::byte>(next() >> 56);
  }
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }  // in [0, 1)

 private:
  std::uint64_t next() {  // SplitMix64
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
  }
  std::uint64_t state_;
};

}  // namespace aya::test
