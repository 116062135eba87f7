#include "cli/commands/table.h"
#include "proto/local/prefs.h"

namespace aya::cli {

Outcome down(Context& context, const Arguments& args) {
  Flags flags;
  flags.unsupported({"accept-risk", "reason", "for"});
  const auto left = context.parse(flags, args);
  if (!left) return left.error();
  if (auto none = context.expect_no_arguments(*left); !none) return none;

  const auto status = context.status(false);
  if (!status) return status.error();
  if (status->backend_state == local::BackendState::Stopped) {
    context.err(context.strict ? "Tailscale was already stopped.\n" : "already disconnected\n");
    return {};
  }
  local::MaskedPrefs edit;
  edit.values.want_running = false;
  edit.set("WantRunning");
  const auto done = context.call("PATCH", "prefs", local::to_json(edit));
  if (!done) return done.error();
  if (status->exit_node) context.tell("Internet traffic no longer goes through the exit node");
  context.tell("disconnected");
  return {};
}

}  // namespace aya::cli
