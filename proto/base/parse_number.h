// Text that is a decimal number and nothing else: "41641", for signed types "-3", for floating ones
// "0.5"; no blanks, no plus sign. nullopt for everything else and for what does not fit.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>

namespace aya {

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace aya
