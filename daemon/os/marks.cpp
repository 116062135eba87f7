#include "daemon/os/marks.h"

#include <bit>
#include <charconv>

namespace aya::os {
namespace {

std::optional<std::uint32_t> parse_number(std::string_view text) {
  const bool hex = text.starts_with("0x");
  if (hex) text.remove_prefix(2);
  std::uint32_t out = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), out, hex ? 16 : 10);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

}  // namespace

std::optional<BypassMark> BypassMark::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto value = parse_number(text.substr(0, slash));
  const auto mask = parse_number(text.substr(slash + 1));
  if (!value || !mask || *value == 0) return std::nullopt;
  const bool inside = (*value & ~*mask) == 0;
  if (!inside || *value == *mask) return std::nullopt;
  return BypassMark{*value, *mask};
}

std::uint32_t BypassMark::second_bit() const {
  // Tailscale's second one, where it can be had: the next lower.
  if (const std::uint32_t lower = value >> 1; std::has_single_bit(value) && (lower & mask) != 0) {
    return lower;
  }
  const std::uint32_t free = mask & ~value;
  return free & (~free + 1);
}

}  // namespace aya::os
