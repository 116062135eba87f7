// Writer appends fields to a buffer it borrows.
#pragma once

#include "proto/base/bytes.h"
#include "proto/base/endian.h"

namespace aya {

class Writer {
 public:
  explicit Writer(Buffer& out) : out_(out) {}

  void u8(std::uint8_t value) { out_.push_back(static_cast<std::byte>(value)); }
  void u16be(std::uint16_t value) { integer<true>(value); }
  void u32be(std::uint32_t value) { integer<true>(value); }
  void u64be(std::uint64_t value) { integer<true>(value); }
  void u16le(std::uint16_t value) { integer<false>(value); }
  void u32le(std::uint32_t value) { integer<false>(value); }
  void u64le(std::uint64_t value) { integer<false>(value); }
  void bytes(Bytes more) { append(out_, more); }
  void text(std::string_view more) { append(out_, as_bytes(more)); }
  void zeros(std::size_t count) { out_.resize(out_.size() + count); }
  std::size_t size() const { return out_.size(); }

 private:
  template <bool kBig, class T>
  void integer(T value) {
    const std::size_t at = out_.size();
    out_.resize(at + sizeof(T));
    if constexpr (kBig) {
      store_be(out_.data() + at, value);
    } else {
      store_le(out_.data() + at, value);
    }
  }

  Buffer& out_;
};

}  // namespace aya
