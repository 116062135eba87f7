#include "coord-server/commands/command_line.h"

#include <algorithm>
#include <charconv>

namespace aya::coord {
namespace {

constexpr std::int64_t kLongestSeconds = 100LL * 365 * 86400;

std::optional<std::int64_t> seconds_in(char unit) {
  switch (unit) {
    case 's':
      return 1;
    case 'm':
      return 60;
    case 'h':
      return 3600;
    case 'd':
      return 86400;
    case 'w':
      return 7 * 86400;
    default:
      return std::nullopt;
  }
}

Failure usage(std::string text) { return {Exit::Usage, std::move(text)}; }

}  // namespace

std::string CommandLine::get(std::string_view option, std::string_view otherwise) const {
  const auto found = options.find(option);
  return found == options.end() ? std::string(otherwise) : found->second;
}

Result<CommandLine, Failure> parse_command_line(
    const std::vector<std::string>& arguments, const std::vector<OptionKind>& known) {
  CommandLine line;
  bool options_over = false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string_view word = arguments[i];
    if (options_over || word.size() < 2 || word.front() != '-') {
      line.words.emplace_back(word);
      continue;
    }
    if (word == "--") {
      options_over = true;
      continue;
    }
    word.remove_prefix(word.starts_with("--") ? 2 : 1);
    const std::size_t equals = word.find('=');
    const std::string_view name = word.substr(0, equals);
    const auto kind = std::ranges::find(known, name, &OptionKind::name);
    if (kind == known.end()) return usage("unknown option --" + std::string(name));
    std::string value = "true";
    if (equals != std::string_view::npos) {
      value = word.substr(equals + 1);
    } else if (kind->takes_value) {
      if (++i == arguments.size()) return usage("--" + std::string(name) + " wants a value");
      value = arguments[i];
    }
    if (!kind->takes_value && value != "true" && value != "false") {
      return usage("--" + std::string(name) + " is true or false");
    }
    const auto [given, first] = line.options.emplace(name, value);
    if (first) continue;
    if (!kind->repeats) return usage("--" + std::string(name) + " is given twice");
    given->second += kBetweenRepeated + value;
  }
  std::erase_if(line.options, [&](const auto& option) {
    const auto kind = std::ranges::find(known, option.first, &OptionKind::name);
    return !kind->takes_value && option.second == "false";
  });
  return line;
}

std::optional<std::chrono::seconds> parse_duration(std::string_view text) {
  std::int64_t total = 0;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    std::int64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc() || count < 0 || count > kLongestSeconds) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (text.empty()) return std::nullopt;
    const auto unit = seconds_in(text.front());
    if (!unit || count > kLongestSeconds / *unit) return std::nullopt;
    total += count * *unit;
    text.remove_prefix(1);
  }
  if (total <= 0 || total > kLongestSeconds) return std::nullopt;
  return std::chrono::seconds(total);
}

}  // namespace aya::coord
