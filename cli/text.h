// Text for people: what the network calls itself is shown as it is in any script, but cannot move
// the cursor, change colours or reorder a line.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/time.h"

namespace aya::cli {

// Control characters, reordering marks and broken UTF-8 become visible escapes: "\n", "\x1b",
// "\u202e". Line feeds, too: a name is one line.
std::string printable(std::string_view text);
// The same for text of several lines that we lay out ourselves.
std::string printable_lines(std::string_view text);

// "text" with quotes and backslashes escaped.
std::string in_quotes(std::string_view text);

// Durations as the stock command line writes and reads them: "0s", "12ms", "1.5s", "1h2m3s".
std::string go_duration(Duration duration);
std::string go_duration_rounded(Duration duration, Duration to);
std::optional<Duration> parse_go_duration(std::string_view text);

std::vector<std::string> split(std::string_view text, char at);
std::string join(const std::vector<std::string>& parts, std::string_view between);
std::string_view trim(std::string_view text);
bool equal_ignoring_case(std::string_view a, std::string_view b);  // ASCII

// The candidate that `word` probably meant; nullopt when none is near.
std::optional<std::string> nearest(
    std::string_view word, const std::vector<std::string>& candidates);

// Columns padded to their widest cell and two blanks, the last column as well, as scripts that cut
// by column know it. Widths count characters, not bytes.
std::string table(const std::vector<std::vector<std::string>>& rows);
// The same without blanks at the ends of lines.
std::string table_cut_right(const std::vector<std::vector<std::string>>& rows);
std::size_t width(std::string_view text);

}  // namespace aya::cli
