// The settings that `up`, `set` and `get` know, as rows of one table: flag name, what it is for,
// how prefs show it and how a value changes them.
//
//   ChosenSettings chosen(SettingsOf::Set, flags);      // adds the flags
//   ... flags.parse(args) ...
//   auto next = chosen.applied_to(prefs, status);       // or what is wrong with a value
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "cli/command.h"
#include "cli/flags.h"
#include "proto/local/prefs.h"
#include "proto/local/status.h"

namespace aya::cli {

struct Setting {
  std::string_view name;
  std::string_view help;
  bool is_switch = false;  // shown as "true" or "false"
  bool in_up = false;
  bool in_set = false;
  bool in_get = false;
  std::string (*show)(const local::Prefs&, const local::Status&);
  // Nullopt: done. `value` of a switch is "true" or "false".
  std::optional<Failure> (*apply)(const std::string& value, local::Prefs&, const local::Status&) =
      nullptr;
};

std::span<const Setting> settings();  // by name
const Setting* find_setting(std::string_view name);

// "--hostname=alpha", "--shields-up", "--accept-dns=false"
std::string as_flag(const Setting& setting, const std::string& value);

enum class SettingsOf { Up, Login, Set };  // Login: those of Up, and the nickname

class ChosenSettings {
 public:
  // Adds its flags to `flags`, which may not outlive it.
  ChosenSettings(SettingsOf verb, Flags& flags);
  ChosenSettings(const ChosenSettings&) = delete;
  ChosenSettings& operator=(const ChosenSettings&) = delete;

  bool any() const;
  // The value given for a setting, as show() writes it; nullopt: not given.
  std::optional<std::string> value(std::string_view name) const;
  Result<local::Prefs, Failure> applied_to(local::Prefs prefs, const local::Status& status) const;

 private:
  std::map<std::string_view, std::optional<bool>> switches_;
  std::map<std::string_view, std::optional<std::string>> texts_;
};

// Every setting of `up` as a new machine has it; all others stay.
local::Prefs with_up_defaults(local::Prefs prefs);

// "hostname: alpha -> bravo", one for each setting that differs.
std::vector<std::string> changes(
    const local::Prefs& from, const local::Prefs& to, const local::Status& status);

}  // namespace aya::cli
