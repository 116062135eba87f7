#include "cli/commands/up_wait.h"

#include "cli/json_text.h"
#include "cli/text.h"

namespace aya::cli {
namespace {

using local::BackendState;
using local::NotifySummary;

// One step after the other: reach the server, log in, be approved, set up the network.
class Progress {
 public:
  Progress(Context& context, const UpWish& wish)
      : context_(context),
        wish_(wish),
        step_(wish.login ? "reaching " + printable(wish.server) : "setting up the network") {}

  // Nullopt: not yet there.
  std::optional<Outcome> on(const NotifySummary& change) {
    if (change.err_message && !change.err_message->empty()) return failed(*change.err_message);
    if (change.browse_to_url && !change.browse_to_url->empty()) show_url(*change.browse_to_url);
    if (change.login_finished) {
      context_.tell("logged in");
      step_ = "setting up the network";
    }
    if (change.state == BackendState::NeedsMachineAuth) {
      context_.tell("waiting for an administrator to approve this machine");
      step_ = "waiting for approval by an administrator";
    }
    if (change.state == BackendState::Starting && url_.empty()) step_ = "setting up the network";
    if (change.state == BackendState::Running) return done();
    const bool persons_turn = change.state == BackendState::NeedsMachineAuth || !url_.empty();
    if (!wish_.wait && persons_turn) return Outcome(Failure{Exit::NeedsLogin, ""});
    return std::nullopt;
  }

  Failure timed_out() const {
    if (context_.strict) {
      return {
          Exit::TimedOut,
          "timeout waiting for Tailscale service to enter a Running state; check health with "
          "\"tailscale status\""};
    }
    return {Exit::TimedOut, "timed out while " + step_};
  }

 private:
  void show_url(const std::string& url) {
    if (url == url_) return;
    url_ = url;
    step_ = "waiting for the login at " + printable(url);
    if (wish_.json) {
      context_.out(json_object(
          {{"AuthURL", json_string(url)}, {"BackendState", json_string("NeedsLogin")}}, '\t', 1));
      return;
    }
    context_.err("\nTo authenticate, visit:\n\n\t" + printable(url) + "\n\n");
    if (wish_.qr) context_.err(qr_text(url, *wish_.qr));
  }

  Outcome done() {
    if (context_.strict && !url_.empty() && !wish_.json) context_.err("Success.\n");
    if (wish_.json) context_.out(json_object({{"BackendState", json_string("Running")}}, ' ', 2));
    return {};
  }

  Outcome failed(const std::string& why) {
    const auto status = context_.client.status(false);
    const bool logged_out = status && status->backend_state == BackendState::NeedsLogin;
    return Failure{
        logged_out ? Exit::NeedsLogin : Exit::Failed,
        (context_.strict ? "backend error: " : "") + printable_lines(why)};
  }

  Context& context_;
  const UpWish& wish_;
  std::string step_;
  std::string url_;  // where a person is to log in
};

}  // namespace

Outcome wait_until_up(Context& context, LineStream& bus, const UpWish& wish) {
  Progress progress(context, wish);
  while (true) {
    const auto line = bus.next(context.console, wish.deadline);
    if (!line && line.error().kind == ClientError::Kind::TimedOut) return progress.timed_out();
    if (!line) return context.failure(line.error());
    const auto change = local::parse_notify(*line);
    if (!change) return Failure{Exit::Failed, "a notification of the daemon is not readable"};
    if (auto ended = progress.on(*change)) return *std::move(ended);
  }
}

}  // namespace aya::cli
