// The answer of GET daemon-logs, ours: lines of the daemon's log, and where to go on.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/parse_error.h"
#include "proto/base/result.h"

namespace aya::local {

struct LogLines {
  std::uint64_t next = 0;          // ask for what comes after this one
  std::vector<std::string> lines;  // without their ends
  friend bool operator==(const LogLines&, const LogLines&) = default;
};

std::string to_json_line(const LogLines& lines);
Result<LogLines, ParseError> parse_log_lines(std::string_view json);

}  // namespace aya::local
