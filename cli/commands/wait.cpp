#include "cli/commands/table.h"
#include "cli/nodes.h"
#include "cli/text.h"
#include "proto/local/notify.h"
#include "proto/local/ping_result.h"

namespace aya::cli {
namespace {

using local::BackendState;

// How often to look at what nobody announces: the daemon's socket, the machine's addresses.
constexpr auto kLookAgain = 100ms;
constexpr Duration kPingAgainAfter = 1s;

class Waiter {
 public:
  Waiter(Context& context, std::optional<TimePoint> deadline)
      : context_(context), deadline_(deadline) {}

  Outcome for_running() {
    const auto bus = subscribe();
    if (!bus) return bus.error();
    while (true) {
      const auto line = (*bus)->next(context_.console, deadline_);
      if (!line && line.error().kind == ClientError::Kind::TimedOut) return timed_out();
      if (!line) return context_.failure(line.error());
      const auto change = local::parse_notify(*line);
      if (change && change->state == BackendState::Running) return {};
    }
  }

  // The interface has the address: servers may bind to it now.
  Outcome for_address() {
    if (auto running = for_running(); !running) return running;
    while (true) {
      const auto status = context_.status(false);
      if (!status) return status.error();
      for (const IpAddress& address : status->tailscale_ips) {
        if (context_.console.machine_has_address(address)) return {};
      }
      if (!rest(kLookAgain)) return timed_out();
    }
  }

  Outcome for_direct(const std::string& peer) {
    if (auto running = for_running(); !running) return running;
    const auto status = context_.status();
    if (!status) return status.error();
    const auto node = find_node(*status, peer);
    if (!node) return node.error();
    if ((*node)->tailscale_ips.empty()) return Failure{Exit::NoSuchNode, "the node has no address"};
    const std::string target =
        "ping?ip=" + (*node)->tailscale_ips.front().to_text() + "&type=disco";
    while (true) {
      const auto answer = context_.client.call("POST", target, "", 5s);
      if (!answer && answer.error().kind != ClientError::Kind::TimedOut) {
        return context_.failure(answer.error());
      }
      const auto pong = answer ? local::parse_ping_result(*answer) : ParseError::Truncated;
      if (pong && pong->is_local_ip) return Failure{Exit::BadArgument, "that is this machine"};
      if (pong && pong->err.empty() && !pong->endpoint.empty()) return {};
      if (!rest(kPingAgainAfter)) return timed_out();
    }
  }

 private:
  // At boot the daemon may come later than whoever waits.
  Result<std::unique_ptr<LineStream>, Failure> subscribe() {
    while (true) {
      auto bus = context_.client.watch(local::kWatchInitialState);
      if (bus) return *std::move(bus);
      if (bus.error().kind != ClientError::Kind::NoDaemon) return context_.failure(bus.error());
      if (!rest(kLookAgain)) return context_.failure(bus.error());
    }
  }

  // False: no time is left.
  bool rest(Duration duration) {
    const TimePoint until = context_.console.now() + duration;
    if (deadline_ && until >= *deadline_) return false;
    context_.console.sleep_until(until);
    return true;
  }

  Failure timed_out() const { return {Exit::TimedOut, "timed out"}; }

  Context& context_;
  std::optional<TimePoint> deadline_;
};

}  // namespace

Outcome wait(Context& context, const Arguments& args) {
  std::optional<Duration> timeout;
  std::string what;
  Flags flags;
  flags.duration("timeout", timeout, "give up after this time (default: never)");
  flags.text("for", what, "running, ip (default) or direct:PEER");
  const auto left = context.parse(flags, args);
  if (!left) return left.error();
  if (left->size() + (what.empty() ? 0 : 1) > 1) {
    return Failure{Exit::BadArgument, "wait for one thing at a time"};
  }
  if (!left->empty()) what = left->front();
  std::optional<TimePoint> deadline;
  if (timeout && *timeout > Duration::zero()) deadline = context.console.now() + *timeout;
  Waiter waiter(context, deadline);
  if (what.empty() || what == "ip") return waiter.for_address();
  if (what == "running") return waiter.for_running();
  if (what.starts_with("direct:")) return waiter.for_direct(what.substr(7));
  return Failure{Exit::BadArgument, "wait for running, ip or direct:PEER, not " + in_quotes(what)};
}

}  // namespace aya::cli
