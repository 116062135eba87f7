#include "cli/commands/table.h"
#include "cli/text.h"
#include "proto/local/prefs.h"

namespace aya::cli {

Outcome down(Context& context, const Arguments& args) {
  std::string reason;
  std::optional<Duration> pause;
  Flags flags;
  flags.text("reason", reason, "why, for the log of the daemon");
  flags.duration("for", pause, "connect again by itself after this time");
  flags.unsupported({"accept-risk"});
  const auto left = context.parse(flags, args);
  if (!left) return left.error();
  if (auto none = context.expect_no_arguments(*left); !none) return none;
  if (pause && *pause <= Duration::zero()) {
    return Failure{Exit::BadArgument, "--for takes a time that lies ahead, like 30m"};
  }
  context.client.set_reason(reason);

  const auto status = context.status(false);
  if (!status) return status.error();
  if (status->backend_state == local::BackendState::Stopped && !pause) {
    context.err(context.strict ? "Tailscale was already stopped.\n" : "already disconnected\n");
    return {};
  }
  local::MaskedPrefs edit;
  edit.values.want_running = false;
  edit.set("WantRunning");
  if (pause) {
    edit.values.resume_at = to_rfc3339(context.console.wall_now() + *pause);
    edit.set("ResumeAt");
  }
  const auto done = context.call("PATCH", "prefs", local::to_json(edit));
  if (!done) return done.error();
  if (status->exit_node) context.tell("Internet traffic no longer goes through the exit node");
  context.tell(pause ? "disconnected for " + go_duration(*pause) : "disconnected");
  return {};
}

}  // namespace aya::cli
