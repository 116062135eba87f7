#include "daemon/dns/reverse_name.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace aya::dns {
namespace {

constexpr std::string_view kReverse4 = ".in-addr.arpa.";
constexpr std::string_view kReverse6 = ".ip6.arpa.";
constexpr std::string_view kVia = "-via-";

std::array<std::byte, 16> bytes_of(const IpAddress& v6) {
  std::array<std::byte, 16> raw;
  copy_bytes(raw, v6.bytes());
  return raw;
}

std::optional<IpAddress> parse_reverse4(std::string_view digits) {
  const auto backwards = IpAddress::parse(digits);
  if (!backwards || !backwards->is_v4()) return std::nullopt;
  std::array<std::byte, 4> raw;
  copy_bytes(raw, backwards->bytes());
  std::ranges::reverse(raw);
  return IpAddress::v4(raw);
}

std::optional<unsigned> nibble(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  return std::nullopt;
}

std::optional<IpAddress> parse_reverse6(std::string_view digits) {
  if (digits.size() != 32 * 2 - 1) return std::nullopt;
  std::array<std::byte, 16> raw{};
  for (std::size_t i = 0; i < 32; ++i) {
    const auto value = nibble(digits[2 * i]);
    if (!value || (i > 0 && digits[2 * i - 1] != '.')) return std::nullopt;
    const std::size_t at = 15 - i / 2;  // least significant first
    raw[at] |= static_cast<std::byte>(i % 2 == 0 ? *value : *value << 4);
  }
  return IpAddress::v6(raw);
}

// Takes "0x", "0b", "0o" or "0" off the front.
int take_base(std::string_view& digits) {
  const auto starts = [&](std::string_view prefix) {
    if (!digits.starts_with(prefix)) return false;
    digits.remove_prefix(prefix.size());
    return true;
  };
  if (starts("0x")) return 16;
  if (starts("0b")) return 2;
  if (starts("0o")) return 8;
  return digits.size() > 1 && starts("0") ? 8 : 10;
}

std::optional<std::uint32_t> parse_site(std::string_view text) {
  std::string_view rest = text;
  const int base = take_base(rest);
  std::string digits;
  char before = base == 10 ? '_' : '0';  // an underscore may follow a prefix, but begin nothing
  for (const char c : rest) {
    if (c == '_' && before == '_') return std::nullopt;
    if (c != '_') digits.push_back(c);
    before = c;
  }
  if (before == '_') return std::nullopt;
  std::uint32_t site = 0;
  const char* end = digits.data() + digits.size();
  const auto [stopped, error] = std::from_chars(digits.data(), end, site, base);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return site;
}

}  // namespace

std::optional<IpAddress> parse_reverse_name(std::string_view name) {
  if (name.ends_with(kReverse4)) {
    return parse_reverse4(name.substr(0, name.size() - kReverse4.size()));
  }
  if (name.ends_with(kReverse6)) {
    return parse_reverse6(name.substr(0, name.size() - kReverse6.size()));
  }
  return std::nullopt;
}

std::optional<IpAddress> parse_site_label(std::string_view label) {
  const std::size_t via = label.find(kVia);
  if (via == std::string_view::npos) return std::nullopt;
  std::string quad(label.substr(0, via));
  std::ranges::replace(quad, '-', '.');
  const auto inner = IpAddress::parse(quad);
  const auto site = parse_site(label.substr(via + kVia.size()));
  if (!inner || !inner->is_v4() || !site) return std::nullopt;
  auto raw = bytes_of(*IpAddress::parse("fd7a:115c:a1e0:b1a::"));
  for (std::size_t i = 0; i < 4; ++i) raw[8 + i] = static_cast<std::byte>(*site >> (24 - 8 * i));
  copy_bytes(std::span(raw).subspan<12>(), inner->bytes());
  return IpAddress::v6(raw);
}

std::optional<IpAddress> ipv4_of_image(const IpAddress& address) {
  if (address.is_v4()) return std::nullopt;
  const auto front = bytes_of(*IpAddress::parse("fd7a:115c:a1e0:ab12:4843:cd96:6200::"));
  if (!equal_bytes(address.bytes().first(13), Bytes(front).first(13))) return std::nullopt;
  std::array<std::byte, 4> raw{std::byte{100}};
  copy_bytes(std::span(raw).subspan<1>(), address.bytes().subspan(13));
  return IpAddress::v4(raw);
}

}  // namespace aya::dns
