#include "coord-server/commands/table.h"

#include <algorithm>

#include "proto/base/utf8.h"

namespace aya::coord {
namespace {

// C0 and C1 controls, and the marks that reorder a line.
bool steers(std::string_view point) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(point[i]); };
  if (point.size() == 1) return byte(0) < 0x20 || byte(0) == 0x7f;
  if (point.size() == 2) return byte(0) == 0xc2 && byte(1) < 0xa0;
  const bool general_punctuation = point.size() == 3 && byte(0) == 0xe2;
  if (!general_punctuation) return false;
  return (byte(1) == 0x80 &&
          ((byte(2) >= 0x8e && byte(2) <= 0x8f) || (byte(2) >= 0xa8 && byte(2) <= 0xae))) ||
         (byte(1) == 0x81 && byte(2) >= 0xa6 && byte(2) <= 0xa9);
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const std::string_view point = text.substr(0, std::max<std::size_t>(length, 1));
    if (length == 0 || steers(point)) {
      out += '?';
    } else {
      out += point;
    }
    text.remove_prefix(point.size());
  }
  return out;
}

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], characters(row[i]));
    }
  }
  std::string out;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (i + 1 < row.size()) out.append(widths[i] - characters(row[i]) + 2, ' ');
    }
    out += '\n';
  }
  return out;
}

}  // namespace aya::coord
