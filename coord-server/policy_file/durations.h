// Durations as Go writes them: "12h", "1h30m", "-1m", "1.5s". Private to the room.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace aya::policy_file {

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);
std::string duration_text(std::chrono::nanoseconds duration);  // "200h0m0s"; whole seconds

}  // namespace aya::policy_file
