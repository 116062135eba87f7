#include "proto/log/logger.h"

#include <unistd.h>

#include <cstdio>

#include "proto/base/time.h"

namespace aya {
namespace {

std::string_view name_of(LogLevel level) {
  switch (level) {
    case LogLevel::Error:
      return "error";
    case LogLevel::Info:
      return "info";
    case LogLevel::Debug:
      return "debug";
  }
  return "?";
}

// Quotes a value that holds spaces or quotes, and escapes what could start a line of its own.
void append_value(std::string& line, std::string_view value) {
  const bool plain = !value.empty() && value.find_first_of(" \"=\\") == std::string_view::npos;
  if (!plain) line += '"';
  for (const char c : value) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\x%02x", static_cast<unsigned char>(c));
      line += escaped;
    } else {
      if (c == '"' || c == '\\') line += '\\';
      line += c;
    }
  }
  if (!plain) line += '"';
}

}  // namespace

void Logger::write(LogLevel level, std::string_view event, Fields fields) {
  if (!shows(level)) return;
  const auto now =
      std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  std::string line = to_rfc3339(now);
  line += ' ';
  line += name_of(level);
  line += ' ';
  line += event;
  for (const LogField& field : fields) {
    line += ' ';
    line += field.name;
    line += '=';
    append_value(line, field.value);
  }
  {
    const std::scoped_lock lock(mutex_);
    ++written_;
    recent_.push_back(line);
    if (recent_.size() > kRecentLines) recent_.pop_front();
  }
  line += '\n';
  // A log that cannot be written must not stop the program.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

Logger::Recent Logger::since(std::uint64_t number) const {
  const std::scoped_lock lock(mutex_);
  Recent out{written_, {}};
  const std::uint64_t first = written_ - recent_.size();
  for (std::size_t i = 0; i < recent_.size(); ++i) {
    if (first + i >= number) out.lines.push_back(recent_[i]);
  }
  return out;
}

}  // namespace aya
