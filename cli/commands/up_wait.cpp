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
        step_(wish.login ? "reaching " + printable(wish.server) : "setting up the network") {
    wish.login ? note("server", {{"Server", json_string(wish.server)}}) : note("network");
  }

  // Nullopt: not yet there.
  std::optional<Outcome> on(const NotifySummary& change) {
    if (change.err_message && !change.err_message->empty()) return failed(*change.err_message);
    if (change.browse_to_url && !change.browse_to_url->empty()) show_url(*change.browse_to_url);
    if (change.login_finished) {
      context_.tell("logged in");
      note("logged-in");
      step_ = "setting up the network";
    }
    if (change.state == BackendState::NeedsMachineAuth) {
      context_.tell("waiting for an administrator to approve this machine");
      note("approval");
      step_ = "waiting for approval by an administrator";
    }
    if (change.state == BackendState::Starting) note("network");
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
  using Fields = std::vector<std::pair<std::string, std::string>>;

  // The daemon may say the same several times.
  void note(std::string_view step, const Fields& fields = {}) {
    if (wish_.output != UpOutput::Events || step == noted_) return;
    noted_ = step;
    print_step(context_, step, fields);
  }

  void show_url(const std::string& url) {
    if (url == url_) return;
    url_ = url;
    step_ = "waiting for the login at " + printable(url);
    note("login", {{"AuthURL", json_string(url)}});
    if (wish_.output == UpOutput::Events) return;
    if (wish_.output == UpOutput::Json) {
      context_.out(json_object(
          {{"AuthURL", json_string(url)}, {"BackendState", json_string("NeedsLogin")}}, '\t', 1));
      return;
    }
    context_.err("\nTo authenticate, visit:\n\n\t" + printable(url) + "\n\n");
    if (wish_.qr) context_.err(qr_text(url, *wish_.qr));
  }

  Outcome done() {
    const bool text = wish_.output == UpOutput::Text;
    if (context_.strict && !url_.empty() && text) context_.err("Success.\n");
    if (wish_.output == UpOutput::Json)
      context_.out(json_object({{"BackendState", json_string("Running")}}, ' ', 2));
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
  std::string url_;    // where a person is to log in
  std::string noted_;  // the last step that was printed
};

}  // namespace

void print_step(
    Context& context, std::string_view step,
    const std::vector<std::pair<std::string, std::string>>& fields) {
  std::string line = "{\"Step\":" + json_string(step);
  for (const auto& [name, value] : fields) line += "," + json_string(name) + ":" + value;
  context.out(line + "}\n");
}

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
