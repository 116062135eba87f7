// Text for people: columns, and names from elsewhere shown so that they cannot steer the terminal.
// Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace aya::coord {

// Control characters, DEL and bytes that are not UTF-8 become "?"; everything else stays, in any
// script.
std::string printable(std::string_view text);

// Rows of equal length, the first being the heading; columns padded to their widest cell.
std::string table(const std::vector<std::vector<std::string>>& rows);

}  // namespace aya::coord
