#include "proto/local/log_lines.h"

#include "proto/local/json_fields.h"

namespace aya::local {

std::string to_json_line(const LogLines& lines) {
  return dump_line(Json{{"Next", lines.next}, {"Lines", lines.lines}});
}

Result<LogLines, ParseError> parse_log_lines(std::string_view json) {
  const Json value = parse_json(json);
  Fields in(value);
  LogLines out;
  in.read("Next", out.next);
  in.read("Lines", out.lines);
  if (in.failed()) return ParseError::BadValue;
  return out;
}

}  // namespace aya::local
