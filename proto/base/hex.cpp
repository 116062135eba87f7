#include "proto/base/hex.h"

namespace aya {
namespace {

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string to_hex(Bytes bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::byte b : bytes) {
    out.push_back(kDigits[static_cast<unsigned>(b) >> 4]);
    out.push_back(kDigits[static_cast<unsigned>(b) & 15]);
  }
  return out;
}

std::optional<Buffer> parse_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  Buffer out(text.size() / 2);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = digit(text[2 * i]);
    const int low = digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out[i] = static_cast<std::byte>(high << 4 | low);
  }
  return out;
}

bool parse_hex_into(std::string_view text, MutableBytes out) {
  if (text.size() != out.size() * 2) return false;
  const auto parsed = parse_hex(text);
  if (!parsed) return false;
  copy_bytes(out, *parsed);
  return true;
}

}  // namespace aya
