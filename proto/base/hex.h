// Hexadecimal text. Writers emit lower case, readers take both cases and nothing else.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proto/base/bytes.h"

namespace aya {

std::string to_hex(Bytes bytes);
std::optional<Buffer> parse_hex(std::string_view text);

// Fills `out` exactly, or leaves it untouched and returns false.
bool parse_hex_into(std::string_view text, MutableBytes out);

}  // namespace aya
