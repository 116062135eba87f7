// Integers as they lie on the wire: byte arrays with an order, alignment 1, usable inside structs
// that mirror a fixed layout.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>

namespace aya {

template <std::unsigned_integral T>
constexpr T load_le(const std::byte* at) {
  T value = 0;
  for (std::size_t i = sizeof(T); i-- > 0;) {
    value = static_cast<T>(static_cast<T>(value << 8 * (sizeof(T) > 1)) | static_cast<T>(at[i]));
  }
  return value;
}

template <std::unsigned_integral T>
constexpr T load_be(const std::byte* at) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>(static_cast<T>(value << 8 * (sizeof(T) > 1)) | static_cast<T>(at[i]));
  }
  return value;
}

template <std::unsigned_integral T>
constexpr void store_le(std::byte* at, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) at[i] = static_cast<std::byte>(value >> 8 * i);
}

template <std::unsigned_integral T>
constexpr void store_be(std::byte* at, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    at[i] = static_cast<std::byte>(value >> 8 * (sizeof(T) - 1 - i));
  }
}

template <std::unsigned_integral T, bool kBig>
class WireInt {
 public:
  constexpr WireInt() = default;
  constexpr WireInt(T value) { *this = value; }
  constexpr WireInt& operator=(T value) {
    if constexpr (kBig) {
      store_be(bytes_.data(), value);
    } else {
      store_le(bytes_.data(), value);
    }
    return *this;
  }
  constexpr operator T() const {
    if constexpr (kBig) {
      return load_be<T>(bytes_.data());
    } else {
      return load_le<T>(bytes_.data());
    }
  }

 private:
  std::array<std::byte, sizeof(T)> bytes_{};
};

using U16be = WireInt<std::uint16_t, true>;
using U32be = WireInt<std::uint32_t, true>;
using U64be = WireInt<std::uint64_t, true>;
using U16le = WireInt<std::uint16_t, false>;
using U32le = WireInt<std::uint32_t, false>;
using U64le = WireInt<std::uint64_t, false>;

}  // namespace aya
