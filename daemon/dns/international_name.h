// Names in other scripts than Latin, as DNS carries them (IDNA 2008, UTS 46): a program that does
// not know of it puts what was typed into its question as UTF-8.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace aya::dns {

bool is_ascii(std::string_view name);

// "リビング.tail.example." as "xn--....tail.example.", in lower case. nullopt: no UTF-8, or no name
// that could be registered. Full stops of other scripts separate labels like dots.
std::optional<std::string> ascii_form(std::string_view name);

}  // namespace aya::dns
