// Log lines as an event and its fields:
//
//   log.info("path became direct", {{"peer", peer}, {"at", endpoint_text}, {"rtt_ms", 12}});
//   2026-01-01T00:00:00Z info path became direct peer=alpha at=192.0.2.7:41641 rtt_ms=12
//
// `error` is for what a person must act on, `info` is rare and no stranger's packets can drive it,
// `debug` is everything else. Secrets never appear. Control characters in values are escaped, so
// one event is always one line. Any thread: one line is one write to standard error. The last lines
// are kept for people who ask later.
#pragma once

#include <concepts>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace aya {

enum class LogLevel { Error = 0, Info = 1, Debug = 2 };

struct LogField {
  LogField(std::string_view field, std::string_view text) : name(field), value(text) {}
  LogField(std::string_view field, const char* text) : name(field), value(text) {}
  LogField(std::string_view field, const std::string& text) : name(field), value(text) {}
  LogField(std::string_view field, bool flag) : name(field), value(flag ? "true" : "false") {}
  template <std::integral T>
  LogField(std::string_view field, T number) : name(field), value(std::to_string(number)) {}

  std::string_view name;
  std::string value;
};

class Logger {
 public:
  using Fields = std::initializer_list<LogField>;

  // Lines above `shown` are not even formatted.
  explicit Logger(LogLevel shown) : shown_(shown) {}

  static constexpr std::size_t kRecentLines = 1000;
  struct Recent {
    std::uint64_t next = 0;          // the number of the last line
    std::vector<std::string> lines;  // without their ends
  };
  // The lines after that number, the first of all being 1, as far as they are kept.
  Recent since(std::uint64_t number) const;

  bool shows(LogLevel level) const { return level <= shown_; }
  void error(std::string_view event, Fields fields = {}) { write(LogLevel::Error, event, fields); }
  void info(std::string_view event, Fields fields = {}) { write(LogLevel::Info, event, fields); }
  void debug(std::string_view event, Fields fields = {}) { write(LogLevel::Debug, event, fields); }

 private:
  void write(LogLevel level, std::string_view event, Fields fields);

  LogLevel shown_;
  mutable std::mutex mutex_;  // guards what follows
  std::deque<std::string> recent_;
  std::uint64_t written_ = 0;
};

}  // namespace aya
