// Text that is a decimal number and nothing else: "41641" and, for signed types, "-3"; no blanks,
// no plus sign. nullopt for everything else and for what does not fit.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>

namespace aya {

template <class Int>
std::optional<Int> parse_number(std::string_view text) {
  Int value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace aya
