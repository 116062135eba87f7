#include "cli/commands/table.h"
#include "cli/json_text.h"
#include "cli/settings.h"
#include "cli/text.h"

namespace aya::cli {
namespace {

using Values = std::vector<std::pair<const Setting*, std::string>>;

std::string as_table(const Values& values) {
  std::size_t wide = 0;
  for (const auto& [setting, value] : values) wide = std::max(wide, setting->name.size());
  const auto row = [wide](std::string_view name, const std::string& value) {
    return std::string(name) + std::string(wide + 2 - name.size(), ' ') + printable(value) + "\n";
  };
  std::string out = row("NAME", "VALUE");
  for (const auto& [setting, value] : values) out += row(setting->name, value);
  return out;
}

std::string as_flags(const Values& values) {
  std::vector<std::string> flags;
  for (const auto& [setting, value] : values) flags.push_back(as_flag(*setting, printable(value)));
  return join(flags, " ") + "\n";
}

std::string as_json(const Values& values) {
  std::vector<std::pair<std::string, std::string>> fields;
  for (const auto& [setting, value] : values) {
    fields.emplace_back(setting->name, setting->is_switch ? value : json_string(value));
  }
  return json_object(fields, ' ', 2);
}

}  // namespace

Outcome get(Context& context, const Arguments& args) {
  bool json = false, set_flags = false;
  Flags flags;
  flags.boolean("json", json, "print JSON");
  flags.boolean("set-flags", set_flags, "print the flags that `set` would take");
  const auto left = context.parse(flags, args);
  if (!left) return left.error();
  if (left->size() > 1) return Failure{Exit::BadArgument, "too many arguments, at most one name"};
  const std::string wanted = left->empty() ? "all" : left->front();
  const Setting* one = wanted == "all" ? nullptr : find_setting(wanted);
  if (wanted != "all" && (one == nullptr || !one->in_get)) {
    return Failure{
        Exit::BadArgument, "unknown setting " + in_quotes(wanted) + "; see \"" + context.program +
                               " set --help\" for valid settings"};
  }

  const auto prefs = context.prefs();
  if (!prefs) return prefs.error();
  const auto status = context.status();
  if (!status) return status.error();
  Values values;
  for (const Setting& setting : settings()) {
    if (one != nullptr ? &setting == one : setting.in_get) {
      values.emplace_back(&setting, setting.show(*prefs, *status));
    }
  }
  if (json) {
    context.out(as_json(values));
  } else if (set_flags) {
    context.out(as_flags(values));
  } else {
    context.out(one != nullptr ? printable(values.front().second) + "\n" : as_table(values));
  }
  return {};
}

}  // namespace aya::cli
