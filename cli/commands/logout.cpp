#include "cli/commands/table.h"

namespace aya::cli {

Outcome logout(Context& context, const Arguments& args) {
  std::string reason;
  Flags flags;
  flags.text("reason", reason, "why, for the log of the daemon");
  const auto left = context.parse(flags, args);
  if (!left) return left.error();
  if (auto none = context.expect_no_arguments(*left); !none) return none;
  context.client.set_reason(reason);
  const auto done = context.call("POST", "logout");
  if (!done) return done.error();
  context.tell("logged out");
  return {};
}

}  // namespace aya::cli
