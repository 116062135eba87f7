#include "proto/base/base64.h"

#include <sodium.h>

#include <algorithm>

namespace aya {
namespace {

std::string encode(Bytes bytes, int variant) {
  std::string out(sodium_base64_encoded_len(bytes.size(), variant), '\0');
  sodium_bin2base64(out.data(), out.size(), uchars(bytes), bytes.size(), variant);
  out.pop_back();  // libsodium counts and writes a terminating NUL
  return out;
}

std::optional<Buffer> decode(std::string_view text, int variant) {
  // libsodium 1.0.18 takes every byte above ASCII for a slash.
  if (std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) > 127; })) {
    return std::nullopt;
  }
  Buffer out(text.size() / 4 * 3 + 3);
  std::size_t size = 0;
  const char* end = nullptr;
  const int failed = sodium_base642bin(
      uchars(MutableBytes(out)), out.size(), text.data(), text.size(), nullptr, &size, &end,
      variant);
  if (failed != 0 || end != text.data() + text.size()) return std::nullopt;
  out.resize(size);
  return out;
}

}  // namespace

std::string to_base64(Bytes bytes) { return encode(bytes, sodium_base64_VARIANT_ORIGINAL); }
std::string to_base64url(Bytes bytes) {
  return encode(bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}
std::optional<Buffer> parse_base64(std::string_view text) {
  return decode(text, sodium_base64_VARIANT_ORIGINAL);
}
std::optional<Buffer> parse_base64url(std::string_view text) {
  return decode(text, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

}  // namespace aya
