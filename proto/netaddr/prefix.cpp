#include "proto/netaddr/prefix.h"

#include <algorithm>

#include "proto/base/parse_number.h"

namespace aya {
namespace {

bool same_front(const IpAddress& a, const IpAddress& b, unsigned bits) {
  if (a.is_v4() != b.is_v4()) return false;
  const unsigned whole = bits / 8;
  if (!equal_bytes(a.bytes().first(whole), b.bytes().first(whole))) return false;
  for (unsigned i = whole * 8; i < bits; ++i) {
    if (a.bit(i) != b.bit(i)) return false;
  }
  return true;
}

}  // namespace

Prefix Prefix::host(const IpAddress& address) {
  return {address, static_cast<std::uint8_t>(address.bit_length())};
}

std::optional<Prefix> Prefix::parse(std::string_view text) {
  const std::size_t slash = text.rfind('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = IpAddress::parse(text.substr(0, slash));
  const std::string_view digits = text.substr(slash + 1);
  if (!address || digits.empty() || digits.size() > 3) return std::nullopt;
  if (digits.size() > 1 && digits.front() == '0') return std::nullopt;
  const auto length = parse_number<unsigned>(digits);
  if (!length || *length > address->bit_length()) return std::nullopt;
  return Prefix{*address, static_cast<std::uint8_t>(*length)};
}

std::string Prefix::to_text() const { return address.to_text() + "/" + std::to_string(length); }

Prefix Prefix::masked() const {
  std::array<std::byte, 16> raw{};
  copy_bytes(raw, address.bytes());
  for (unsigned i = length; i < address.bit_length(); ++i) {
    raw[i / 8] &= static_cast<std::byte>(~(0x80u >> i % 8));
  }
  const IpAddress front =
      address.is_v4() ? IpAddress::v4(std::span(raw).first<4>()) : IpAddress::v6(raw);
  return {front, length};
}

bool Prefix::contains(const IpAddress& other) const { return same_front(address, other, length); }

bool Prefix::overlaps(const Prefix& other) const {
  return same_front(address, other.address, std::min(length, other.length));
}

}  // namespace aya
