// JSON that passes through a command: laid out anew, a field looked up, an object written. What
// the daemon's objects mean is read in proto/local.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aya::cli {

// Two blanks or a tab a level, and a final newline; text that is not JSON comes back as it is.
std::string reindented(std::string_view json, char indent_with, int count);

// The value of a field of an object, as JSON; empty: no such field, or null.
std::string field_of(std::string_view json, std::string_view name);

// The text of a field of an object; empty: no such field, or not text.
std::string text_field(std::string_view json, std::string_view name);

// A status without the peers that are not active.
std::string without_idle_peers(std::string_view status_json);

// The text in {"error": "..."} or {"Error": "..."}; other bodies are the text themselves.
std::string error_text(std::string_view body);

std::string json_string(std::string_view text);  // with its quotes

// An object of fields whose values are JSON already, indented like reindented().
std::string json_object(
    const std::vector<std::pair<std::string, std::string>>& fields, char indent_with, int count);

}  // namespace aya::cli
