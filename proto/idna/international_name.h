// Names in other scripts than Latin, as DNS carries them (IDNA 2008, UTS 46): machines get their
// names from it, and questions of programs that do not know of it are in UTF-8, as typed. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace aya::idna {

bool is_ascii(std::string_view name);

// "リビング.tail.example." as "xn--....tail.example.", in lower case. nullopt: no UTF-8, or no name
// that could be registered. Full stops of other scripts separate labels like dots.
std::optional<std::string> ascii_form(std::string_view name);

// The opposite, in UTF-8; what has no other form stays as it is. nullopt: not an ASCII form.
std::optional<std::string> readable_form(std::string_view ascii_name);

}  // namespace aya::idna
