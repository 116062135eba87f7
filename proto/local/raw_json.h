// JSON that this room carries without looking inside: capability values, nodes, network maps. The
// text is one JSON value as its producer wrote it; empty text stands for "none" and prints as null,
// or not at all where the field is optional. Text that is not JSON prints as null.
#pragma once

#include <string>
#include <string_view>

namespace aya::local {

struct RawJson {
  std::string text;

  bool empty() const { return text.empty(); }
  friend bool operator==(const RawJson&, const RawJson&) = default;
};

std::string to_json(const RawJson& raw);       // tab-indented, with a final newline
std::string to_json_line(const RawJson& raw);  // compact

// {"Error":"text"}: clients take `field` in any case.
std::string error_json(std::string_view field, std::string_view text);

}  // namespace aya::local
