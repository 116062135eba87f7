// The command line, taken apart: words (a verb and its arguments) and options, which may stand
// anywhere. One or two dashes, `--name value` or `--name=value`, few options twice, "--" ends
// options. Which options a verb takes is the verb's business (verbs.h). Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coord-server/commands/failure.h"
#include "proto/base/result.h"
#include "proto/base/time.h"

namespace aya::coord {

struct CommandLine {
  std::vector<std::string> words;
  std::map<std::string, std::string, std::less<>> options;

  bool has(std::string_view option) const { return options.contains(option); }
  std::string get(std::string_view option, std::string_view otherwise = "") const;
};

struct OptionKind {
  std::string_view name;
  bool takes_value;
  bool repeats = false;  // may be given several times
};

// In the value of an option that was.
inline constexpr char kBetweenRepeated = '\n';

Result<CommandLine, Failure> parse_command_line(
    const std::vector<std::string>& arguments, const std::vector<OptionKind>& known);

// "30m", "24h", "90d", "2w", "1d12h". nullopt: not a duration, or nothing.
std::optional<std::chrono::seconds> parse_duration(std::string_view text);

}  // namespace aya::coord
