// Byte vocabulary of the whole tree: raw bytes are std::byte, borrowed ranges are spans.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace aya {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;
using Buffer = std::vector<std::byte>;

inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline void append(Buffer& out, Bytes more) { out.insert(out.end(), more.begin(), more.end()); }

// std::memcpy and friends refuse a null pointer even for zero bytes; these do not.
inline void copy_bytes(MutableBytes to, Bytes from) {
  if (!from.empty()) std::memcpy(to.data(), from.data(), from.size());
}

inline bool equal_bytes(Bytes a, Bytes b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

// For C libraries that speak `unsigned char`.
inline const unsigned char* uchars(Bytes b) {
  return reinterpret_cast<const unsigned char*>(b.data());
}
inline unsigned char* uchars(MutableBytes b) { return reinterpret_cast<unsigned char*>(b.data()); }

}  // namespace aya
