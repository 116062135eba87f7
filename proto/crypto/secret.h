// Secret<N>: N bytes that erase themselves. They move and copy like a value, but never compare and
// never print.
#pragma once

#include <array>

#include "proto/base/bytes.h"

namespace aya::crypto {

// Overwrites memory in a way no optimizer removes.
void wipe(MutableBytes bytes);

// Constant-time comparison, for tags and tokens.
bool equal_in_constant_time(Bytes a, Bytes b);

template <std::size_t N>
class Secret {
 public:
  static constexpr std::size_t kSize = N;

  Secret() = default;  // all zero
  explicit Secret(std::span<const std::byte, N> bytes) { copy_bytes(bytes_, bytes); }
  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;
  ~Secret() { wipe(bytes_); }

  std::span<const std::byte, N> bytes() const { return bytes_; }
  std::span<std::byte, N> mutable_bytes() { return bytes_; }
  bool is_zero() const {
    std::byte any{};
    for (const std::byte b : bytes_) any |= b;
    return any == std::byte{0};
  }

 private:
  std::array<std::byte, N> bytes_{};
};

using Key32 = Secret<32>;

}  // namespace aya::crypto
