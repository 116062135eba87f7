// `set-exit-node`: choose the node that carries this machine's Internet traffic, try whether the
// Internet is there, and go back if it is not (interfaces 3.5).
#include <algorithm>

#include "cli/commands/table.h"
#include "cli/exit_nodes.h"
#include "cli/text.h"

namespace aya::cli {
namespace {

using local::InternetCheck;
using local::InternetTest;
using local::PeerStatus;
using local::Prefs;
using local::Status;

// Long enough for an answer that comes, so that a test which fails does not delay the switch much.
constexpr Duration kBaseline = 800ms;

struct Wanted {
  std::optional<bool> allow_lan, verify;
  bool no_rollback = false;
  bool force = false;
  Duration timeout = 5s;
};

std::string on_off(bool value) { return value ? "on" : "off"; }

const PeerStatus* find_by_id(const Status& status, const std::string& id) {
  const auto found = std::ranges::find(status.peers, id, &PeerStatus::id);
  return id.empty() || found == status.peers.end() ? nullptr : &*found;
}

// What a choice is called in a sentence.
std::string name_of(const Status& status, const std::string& choice) {
  if (choice.empty()) return "no exit node";
  if (choice.starts_with(local::kAutoExitNodePrefix)) return "the best exit node (" + choice + ")";
  const PeerStatus* node = find_by_id(status, choice);
  return node == nullptr ? printable(choice) : exit_node_title(*node);
}

Outcome show(Context& context, const Status& status, const Prefs& prefs) {
  const std::string choice = local::exit_node_choice(prefs);
  if (choice.empty()) {
    context.out("no exit node: Internet traffic leaves from this machine\n");
    context.tell("to see what there is: " + context.program + " exit-node list");
    return {};
  }
  const auto known = known_exit_nodes(context, true);
  if (!known) return known.error();
  const bool is_auto = !prefs.auto_exit_node.empty();
  const PeerStatus* node = find_by_id(status, is_auto ? known->in_use : prefs.exit_node_id);
  std::string text = "exit node:   ";
  if (node != nullptr) {
    text += exit_node_title(*node) + "\nstatus:      " + (node->online ? "online" : "offline");
    if (!node->exit_node_option) text += ", but it is no exit node any more: traffic is held back";
    if (const auto& at = node->location; at && !at->country.empty()) {
      text += "\nplace:       " + printable(at->city.empty() ? "" : at->city + ", ") +
              printable(at->country);
    }
    const auto offer = std::ranges::find(known->offers, node->id, &local::ExitNodeOffer::id);
    const bool measured = offer != known->offers.end() && offer->latency;
    text += "\nlatency:     " +
            (measured ? go_duration_rounded(*offer->latency, 1ms) : std::string("unknown"));
  } else {
    text += is_auto ? "none is there" : name_of(status, choice) + ", which does not exist";
    text += "\nstatus:      Internet traffic is held back";
  }
  text += "\nchosen:      " + (is_auto ? "automatically (" + choice + ")" : std::string("by name"));
  context.out(text + "\nLAN access:  " + on_off(prefs.exit_node_allow_lan_access) + "\n");
  return {};
}

Outcome consent_to_offline(Context& context, const PeerStatus& node, bool force) {
  if (node.online || force) return {};
  const std::string problem = printable(node.display_name()) + " is offline";
  if (context.console.out_is_terminal()) {
    context.err(problem + ". Use it all the same, without Internet until it is back? [y/N] ");
    const auto answer = context.console.read_line();
    if (answer && (*answer == "y" || *answer == "Y" || *answer == "yes")) return {};
    return Failure{Exit::NotAsWished, "nothing was changed"};
  }
  return Failure{
      Exit::NotAsWished,
      problem + "; to use it all the same, without Internet until it is back: --force"};
}

Outcome write(Context& context, const Prefs& from, const Prefs& to) {
  const local::MaskedPrefs edit = local::difference(from, to);
  if (edit.mask.empty()) return {};
  const auto done = context.call("PATCH", "prefs", local::to_json(edit));
  return done ? Outcome() : Outcome(done.error());
}

Result<InternetCheck, Failure> check_internet(
    Context& context, Duration timeout, const std::string& without = "") {
  const auto milliseconds = std::clamp<std::int64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count(), 1, 60'000);
  std::string target = "check-internet?milliseconds=" + std::to_string(milliseconds);
  if (!without.empty()) target += "&without=" + without;
  const auto answer = context.call("POST", target);
  if (!answer) return answer.error();
  const auto check = local::parse_internet_check(*answer);
  if (!check) return Failure{Exit::Failed, "the daemon's answer is not readable"};
  return *check;
}

// What did not work before is not held against the exit node; unless nothing did.
std::string not_to_be_tested(const InternetCheck& before) {
  std::vector<std::string> failed;
  bool any_passed = false;
  for (const InternetTest& test : before.tests) {
    any_passed |= test.outcome == InternetTest::Outcome::Passed;
    if (test.outcome == InternetTest::Outcome::Failed) failed.push_back(test.name);
  }
  return any_passed ? join(failed, ",") : "";
}

void tell_tests(Context& context, const InternetCheck& check) {
  using enum InternetTest::Outcome;
  for (const InternetTest& test : check.tests) {
    const char* what = test.outcome == Passed   ? "ok"
                       : test.outcome == Failed ? "failed"
                                                : "skipped";
    context.tell(printable(test.name) + ": " + what + ", " + printable(test.detail));
  }
}

std::string to_text(const InternetTest& test) {
  return printable(test.name) + ": " + printable(test.detail);
}

Outcome verify(
    Context& context, const Wanted& wanted, const Status& status, const InternetCheck& before,
    const Prefs& was, const Prefs& is) {
  const auto after = check_internet(context, wanted.timeout, not_to_be_tested(before));
  const std::string now = name_of(status, local::exit_node_choice(is));
  std::string problem;
  if (!after) {
    problem = after.error().text;
  } else if (const InternetTest* broken = after->first_failure()) {
    problem = to_text(*broken);
  } else {
    tell_tests(context, *after);
    if (!after->egress.empty()) context.out("egress address: " + printable(after->egress) + "\n");
    return {};
  }
  problem = "the Internet is not reached with " + now + " (" + problem + ")";
  if (wanted.no_rollback) {
    return Failure{Exit::NotAsWished, problem + "; it stays, as --no-rollback says"};
  }
  if (auto undone = write(context, is, was); !undone) {
    return Failure{
        undone.error().code, problem + ", and going back failed: " + undone.error().text};
  }
  return Failure{
      Exit::NotAsWished, problem + "; back to " + name_of(status, local::exit_node_choice(was))};
}

Outcome change(
    Context& context, const Wanted& wanted, const Status& status, const Prefs& current,
    const std::optional<ExitNodeChoice>& choice) {
  Prefs next = current;
  const bool other = choice && choice->choice != local::exit_node_choice(current);
  if (other) next = local::with_exit_node_choice(next, choice->choice);
  if (wanted.allow_lan) next.exit_node_allow_lan_access = *wanted.allow_lan;

  const bool connected = status.backend_state == local::BackendState::Running;
  const bool uses_one = !local::exit_node_choice(next).empty();
  const bool test = connected && choice && uses_one &&
                    wanted.verify.value_or(other && context.console.out_is_terminal());
  InternetCheck before;
  if (test && other) {
    auto known = check_internet(context, kBaseline);
    if (!known) return known.error();
    before = *std::move(known);
  }
  if (auto written = write(context, current, next); !written) return written;

  if (other) context.out("exit node: " + name_of(status, choice->choice) + "\n");
  if (choice && !other) context.tell("already so: " + name_of(status, choice->choice));
  if (wanted.allow_lan && next != current) {
    context.out("LAN access: " + on_off(next.exit_node_allow_lan_access) + "\n");
  }
  if (!connected) context.tell("not connected: this applies at the next `ayatori up`");
  return test ? verify(context, wanted, status, before, current, next) : Outcome();
}

}  // namespace

Outcome set_exit_node(Context& context, const Arguments& args) {
  Wanted wanted;
  Flags flags;
  flags.boolean("allow-lan", wanted.allow_lan, "reach the local network meanwhile");
  flags.boolean(
      "verify", wanted.verify,
      "try the Internet through it, and go back if it is not there (default on a terminal)");
  flags.boolean("no-rollback", wanted.no_rollback, "stay with it although the trial failed");
  flags.duration("timeout", wanted.timeout, "how long to try (default 5s)");
  flags.boolean("force", wanted.force, "take one that is offline");
  const auto left = context.parse(flags, args);
  if (!left) return left.error();
  if (left->size() > 1) {
    return Failure{Exit::BadArgument, "too many arguments, expected one exit node"};
  }
  const auto status = context.status();
  if (!status) return status.error();
  const auto current = context.prefs();
  if (!current) return current.error();
  if (left->empty() && !wanted.allow_lan) return show(context, *status, *current);

  std::optional<ExitNodeChoice> choice;
  if (!left->empty()) {
    const auto known = known_exit_nodes(context, false);
    if (!known) return known.error();
    auto chosen = choose_exit_node(*status, *known, left->front());
    if (!chosen) return chosen.error();
    choice = *std::move(chosen);
    if (choice->node != nullptr) {
      auto consent = consent_to_offline(context, *choice->node, wanted.force);
      if (!consent) return consent;
    }
  }
  return change(context, wanted, *status, *current, choice);
}

}  // namespace aya::cli
