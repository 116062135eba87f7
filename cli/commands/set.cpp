#include "cli/commands/table.h"
#include "cli/json_text.h"
#include "cli/settings.h"
#include "cli/text.h"

namespace aya::cli {
namespace {

using local::Prefs;

Outcome print_non_defaults(Context& context) {
  const auto prefs = context.prefs();
  if (!prefs) return prefs.error();
  const auto status = context.status();
  if (!status) return status.error();
  std::vector<std::string> flags;
  for (const Setting& setting : settings()) {
    const std::string value = setting.show(*prefs, *status);
    if (setting.in_set && value != setting.show(Prefs{}, {})) {
      flags.push_back(as_flag(setting, printable(value)));
    }
  }
  context.out(flags.empty() ? "all settings are at their defaults\n" : join(flags, "\n") + "\n");
  return {};
}

// The daemon may refuse values that are well formed.
Outcome check(Context& context, const Prefs& next) {
  const auto answer = context.call("POST", "check-prefs", local::to_json_line(next));
  if (!answer) return answer.error();
  const std::string refused = field_of(*answer, "Error");
  if (!refused.empty()) return Failure{Exit::Failed, printable_lines(error_text(*answer))};
  return {};
}

}  // namespace

Outcome set(Context& context, const Arguments& args) {
  Flags flags;
  ChosenSettings chosen(SettingsOf::Set, flags);
  flags.unsupported({"accept-risk", "unattended", "sync"});
  if (args.empty() && context.strict) {
    const auto usage = context.parse(flags, {"--help"});
    return usage.error();
  }
  const auto left = context.parse(flags, args);
  if (!left) return left.error();
  if (auto none = context.expect_no_arguments(*left); !none) return none;
  if (!chosen.any()) return print_non_defaults(context);

  const auto status = context.status();
  if (!status) return status.error();
  const auto current = context.prefs();
  if (!current) return current.error();
  const auto next = chosen.applied_to(*current, *status);
  if (!next) return next.error();
  const local::MaskedPrefs edit = local::difference(*current, *next);
  if (const auto refused = local::refusal(edit)) return Failure{Exit::BadArgument, *refused};
  if (auto fine = check(context, *next); !fine) return fine;
  if (edit.mask.empty()) {
    context.tell("nothing to change");
    return {};
  }
  const auto done = context.call("PATCH", "prefs", local::to_json(edit));
  if (!done) return done.error();
  for (const std::string& line : changes(*current, *next, *status)) context.tell(line);
  return {};
}

}  // namespace aya::cli
