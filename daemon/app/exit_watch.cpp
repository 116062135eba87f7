#include "daemon/app/exit_watch.h"

#include <algorithm>

#include "daemon/app/map_meaning.h"

namespace aya::app {
namespace {

// Apart from the pings of people, which are numbered from 1.
constexpr std::uint64_t kFirstPing = std::uint64_t{1} << 63;

}  // namespace

ExitWatch::ExitWatch(io::Loop& loop, Host& host)
    : loop_(loop), host_(host), last_ping_(kFirstPing), timer_(loop, [this] { advance(); }) {}

bool ExitWatch::set(
    const netmap::State& state, const local::Prefs& prefs,
    const std::map<RegionId, Duration>& relays) {
  state_ = &state;
  const TimePoint now = loop_.now();
  chooser_.set(
      exit_wish(state.netmap, prefs), exit_candidates(state, loop_.wall_now()), relays, now,
      effects_);
  effects_.clear();  // nothing is asked before the first step
  const auto before = std::exchange(in_use_, chooser_.in_use());
  arm();
  return before != in_use_;
}

bool ExitWatch::is_own(path::PingId id) { return id.value > kFirstPing; }

void ExitWatch::on_ping_done(path::PingId id, std::optional<Duration> latency) {
  const auto asked = asked_.find(id);
  if (asked == asked_.end()) return;
  const std::string node = std::move(asked->second);
  asked_.erase(asked);
  if (!latency) return;
  chooser_.on_answer(node, *latency, loop_.now(), effects_);
  carry_out();
}

std::optional<Duration> ExitWatch::latency_of(const std::string& stable_id) const {
  const auto& answers = chooser_.distances().answers;
  const auto found = answers.find(stable_id);
  return found == answers.end() ? std::nullopt : std::optional(found->second);
}

const control::Node* ExitWatch::find(const std::string& stable_id) const {
  return state_ == nullptr ? nullptr : find_peer(state_->netmap, stable_id);
}

void ExitWatch::look_soon() {
  resting_ = false;
  const TimePoint at = loop_.now() + exit_node::kLook;
  timer_.arm(earlier(at, timer_.armed()));
}

void ExitWatch::advance() {
  const control::Node* node = in_use_ ? find(*in_use_) : nullptr;
  const auto traffic = node == nullptr ? exit_node::Traffic{} : host_.traffic_of(node->id);
  chooser_.advance(traffic, loop_.now(), effects_);
  carry_out();
}

void ExitWatch::carry_out() {
  auto effects = std::exchange(effects_, {});
  for (const std::string& id : effects.ask) {
    const control::Node* node = find(id);
    if (node == nullptr) continue;
    const path::PingId ping{++last_ping_};
    asked_[ping] = id;
    host_.probe(node->id, ping);
  }
  const auto before = std::exchange(in_use_, chooser_.in_use());
  arm();
  if (before != in_use_) host_.on_exit_changed();
}

void ExitWatch::arm() {
  resting_ = chooser_.is_quiet();
  timer_.arm(chooser_.next_deadline());
}

}  // namespace aya::app
