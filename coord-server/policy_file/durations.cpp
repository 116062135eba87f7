#include "coord-server/policy_file/durations.h"

#include <array>
#include <charconv>
#include <cmath>

namespace aya::policy_file {
namespace {

struct Unit {
  std::string_view name;
  double nanoseconds;
};

// "ms" before "m": the first that fits is taken.
constexpr std::array kUnits = {Unit{"ns", 1},  Unit{"us", 1e3}, Unit{"ms", 1e6},
                               Unit{"s", 1e9}, Unit{"m", 60e9}, Unit{"h", 3600e9}};
constexpr double kLongest = 9e18;

}  // namespace

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text == "0") return std::chrono::nanoseconds(0);
  if (text.empty()) return std::nullopt;
  double total = 0;
  while (!text.empty()) {
    if ((text.front() < '0' || text.front() > '9') && text.front() != '.') return std::nullopt;
    double amount = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), amount, std::chars_format::fixed);
    if (error != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    const Unit* unit = nullptr;
    for (const Unit& one : kUnits) {
      if (unit == nullptr && text.starts_with(one.name)) unit = &one;
    }
    if (unit == nullptr) return std::nullopt;
    text.remove_prefix(unit->name.size());
    total += amount * unit->nanoseconds;
    if (total > kLongest) return std::nullopt;
  }
  const auto whole = static_cast<std::int64_t>(total);
  return std::chrono::nanoseconds(negative ? -whole : whole);
}

std::string duration_text(std::chrono::nanoseconds duration) {
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  std::string out = seconds < 0 ? "-" : "";
  seconds = seconds < 0 ? -seconds : seconds;
  if (seconds >= 3600) out += std::to_string(seconds / 3600) + 'h';
  if (seconds >= 60) out += std::to_string(seconds / 60 % 60) + 'm';
  return out + std::to_string(seconds % 60) + 's';
}

}  // namespace aya::policy_file
