#include "cli/commands/up_plan.h"

#include "cli/text.h"

namespace aya::cli {
namespace {

using local::BackendState;
using local::Prefs;
using local::Status;

// There is no hosted default: a reset never forgets the server and what it is known by.
Prefs base_prefs(const UpOptions& options, const Prefs& current) {
  if (!options.reset && !(options.strict && options.any_flag)) return current;
  Prefs base = with_up_defaults(current);
  base.control_url = current.control_url;
  base.server_cert_pin = current.server_cert_pin;
  return base;
}

bool is_lost(
    const Setting& setting, const ChosenSettings& chosen, const Prefs& current,
    const Status& status) {
  return setting.in_up && setting.name != "server-cert" && !chosen.value(setting.name) &&
         setting.show(current, status) != setting.show(Prefs{}, {});
}

// The stock command takes its flags for the complete wish and refuses to lose a setting silently.
// Scripts read this text: it ends with the line to run instead.
std::optional<Failure> lost_settings(
    const ChosenSettings& chosen, const Prefs& current, const Status& status) {
  std::string given, lost;
  for (const Setting& setting : settings()) {
    if (const auto value = chosen.value(setting.name)) given += " " + as_flag(setting, *value);
    if (is_lost(setting, chosen, current, status)) {
      lost += " " + as_flag(setting, printable(setting.show(current, status)));
    }
  }
  if (current.control_url.empty() || lost.empty()) return std::nullopt;
  return Failure{
      Exit::Failed,
      "Error: changing settings via 'tailscale up' requires mentioning all\n"
      "non-default flags. To proceed, either re-run your command with --reset or\n"
      "use the command below to explicitly mention the current value of\n"
      "all non-default settings:\n\n\ttailscale up" +
          given + lost + "\n\n"};
}

std::optional<Failure> server_refusal(
    const UpOptions& options, const Status& status, const Prefs& current, const Prefs& next) {
  if (next.control_url.empty()) {
    return Failure{
        Exit::BadArgument,
        "which server? Name it once: up --login-server https://mesh.example.org"};
  }
  if (!options.strict || options.force_reauth) return std::nullopt;
  // Called without flags, the stock command means its own hosted server.
  const bool changes =
      next.control_url != current.control_url ? !current.control_url.empty() : !options.any_flag;
  if (!changes || status.backend_state != BackendState::Running) return std::nullopt;
  return Failure{Exit::Failed, "can't change --login-server without --force-reauth"};
}

}  // namespace

bool needs_login(const Status& status, const Prefs& prefs) {
  return status.backend_state == BackendState::NeedsLogin || prefs.logged_out;
}

Result<UpPlan, Failure> plan_up(
    const UpOptions& options, const ChosenSettings& chosen, const Status& status,
    const Prefs& current) {
  auto next = chosen.applied_to(base_prefs(options, current), status);
  if (!next) return std::move(next).error();
  if (next->control_url.empty()) next->control_url = options.usual_server;
  if (next->control_url == options.usual_server && next->server_cert_pin.empty()) {
    next->server_cert_pin = options.usual_server_cert;
  }
  if (options.strict && options.any_flag && !options.reset) {
    if (auto lost = lost_settings(chosen, current, status)) return *std::move(lost);
  }
  if (auto refused = server_refusal(options, status, current, *next)) return *std::move(refused);
  UpPlan plan;
  plan.login = options.force_reauth || needs_login(status, current) ||
               next->control_url != current.control_url;
  plan.next = *std::move(next);
  plan.next.want_running = true;
  plan.next.logged_out = false;
  if (const auto refused = local::refusal(local::difference(current, plan.next))) {
    return Failure{Exit::BadArgument, *refused};
  }
  return plan;
}

}  // namespace aya::cli
