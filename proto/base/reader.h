// Reader walks borrowed bytes from front to back. It remembers the first failure: after one, every
// read yields zeros, so a field list reads straight down and is checked once at its end.
#pragma once

#include <array>
#include <span>

#include "proto/base/bytes.h"
#include "proto/base/endian.h"

namespace aya {

class Reader {
 public:
  explicit Reader(Bytes input) : rest_(input) {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(integer<std::uint8_t, true>()); }
  std::uint16_t u16be() { return integer<std::uint16_t, true>(); }
  std::uint32_t u32be() { return integer<std::uint32_t, true>(); }
  std::uint64_t u64be() { return integer<std::uint64_t, true>(); }
  std::uint16_t u16le() { return integer<std::uint16_t, false>(); }
  std::uint32_t u32le() { return integer<std::uint32_t, false>(); }
  std::uint64_t u64le() { return integer<std::uint64_t, false>(); }

  // The next `count` bytes, borrowed from the input; empty after a failure.
  Bytes bytes(std::size_t count) {
    if (count > rest_.size()) {
      fail();
      return {};
    }
    const Bytes taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }

  template <std::size_t N>
  std::array<std::byte, N> array() {
    std::array<std::byte, N> out{};
    copy_into(out);
    return out;
  }

  void copy_into(MutableBytes out) {
    const Bytes from = bytes(out.size());
    if (!failed_) copy_bytes(out, from);
  }

  void skip(std::size_t count) { bytes(count); }
  Bytes rest() { return bytes(rest_.size()); }
  Bytes peek_rest() const { return rest_; }
  std::size_t remaining() const { return rest_.size(); }
  bool failed() const { return failed_; }
  void fail() {
    failed_ = true;
    rest_ = {};
  }

 private:
  template <class T, bool kBig>
  T integer() {
    const Bytes from = bytes(sizeof(T));
    if (failed_) return 0;
    return kBig ? load_be<T>(from.data()) : load_le<T>(from.data());
  }

  Bytes rest_;
  bool failed_ = false;
};

}  // namespace aya
