// Command flags as the stock command line takes them (interfaces 3.1): one or two dashes,
// `--flag=value` or `--flag value`, booleans `--x` and `--x=false`, no flag twice. Flags may also
// follow arguments; "--" ends them.
//
//   Flags flags;
//   bool json = false;
//   flags.boolean("json", json, "print JSON");
//   auto arguments = flags.parse(args);      // or why not
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.h"
#include "proto/base/time.h"

namespace aya::cli {

struct FlagError {
  std::string text;
  bool help = false;  // --help: not an error
};

class Flags {
 public:
  // The variables outlive the object.
  void boolean(std::string name, bool& value, std::string help);
  void boolean(std::string name, std::optional<bool>& value, std::string help);
  // A switch that may also be given one word: `--x` or `--x=word`; the latter sets both.
  void boolean_or(std::string name, bool& value, std::string word, bool& chosen, std::string help);
  void text(std::string name, std::string& value, std::string help);
  void text(std::string name, std::optional<std::string>& value, std::string help);
  void number(std::string name, std::uint64_t& value, std::string help);
  void duration(std::string name, Duration& value, std::string help);
  void duration(std::string name, std::optional<Duration>& value, std::string help);
  // Another spelling of a flag; not shown in the help.
  void alias(std::string name, std::string of);
  // Flags of the stock command line that mean something we cannot do.
  void unsupported(std::vector<std::string> names);

  // What is left are the arguments.
  Result<std::vector<std::string>, FlagError> parse(const std::vector<std::string>& args);

  bool given(std::string_view name) const;
  // The flags that were given, in that order.
  const std::vector<std::string>& order() const { return order_; }
  std::string help() const;  // one line a flag

  struct Description {
    std::string name, help;
    bool takes_value = true;
  };
  std::vector<Description> descriptions() const;

 private:
  struct Flag {
    std::string name, help;
    bool takes_value = true;
    bool hidden = false;
    std::function<bool(const std::string&)> set;  // false: a bad value
    std::string wanted;                           // what a good value is
  };
  Flag& add(std::string name, std::string help, std::string wanted);
  const Flag* find(std::string_view name) const;
  FlagError unknown(std::string_view name) const;

  std::vector<Flag> flags_;
  std::vector<std::pair<std::string, std::string>> aliases_;
  std::vector<std::string> unsupported_;
  std::vector<std::string> order_;
};

std::optional<bool> parse_boolean(std::string_view text);

}  // namespace aya::cli
