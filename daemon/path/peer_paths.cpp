#include "daemon/path/peer_paths.h"

#include <algorithm>

namespace aya::path {
namespace {

constexpr std::size_t kUnpaddedPing = 124;  // a sealed ping with its node key
constexpr std::size_t kLargestPing = 9000;  // jumbo frames, and then some
constexpr Duration kPongCost = Duration(1s) / kPongsPerSecond;

Duration late_after(Duration latency) { return std::max(kLostPongAfterAtLeast, 3 * latency); }

}  // namespace

// --- facts
// ------------------------------------------------------------------------------------------

void PeerPaths::set_facts(const PeerPath& facts, Step& step) {
  capability_version_ = facts.capability_version;
  const PathAddress before = primary();
  if (home_ != facts.home_region) gone_from_home_ = false;
  home_ = facts.home_region;
  if (!before.is_none() && before != primary()) {
    step.out.changes.push_back({id_, before, primary()});
  }
  plain_.set_endpoints(facts.endpoints);
  if (!candidates_.set_netmap(facts.endpoints)) return;
  forget_failures();
  if (active(step.now) && !trusts_direct(step.now)) discover(step);
}

void PeerPaths::set_disco_key(const DiscoPublicKey& key, Step& step) {
  disco_key_ = key;
  pings_.clear();
  pong_late_at_.reset();
  candidates_.forget_ping_times();
  forget_failures();
  called_with_ = 0;
  // A restarted peer may sit behind another port: packets go both ways until a pong says otherwise.
  if (auto* path = std::get_if<Direct>(&state_)) path->trusted_until = step.now - Duration{1};
  if (!speaks_disco()) {
    drop_path(step);
  } else if (active(step.now)) {
    // A new key mostly means a new process: find out at once whether the path outlived it.
    check_direct(step);
    discover(step);
  }
}

// --- where packets go
// ---------------------------------------------------------------------------------

RegionId PeerPaths::relay() const {
  if (home_ == 0 || (gone_from_home_ && heard_through_ != 0)) return heard_through_;
  return home_;
}

PathAddress PeerPaths::relay_address() const { return PathAddress::relayed(relay()); }

std::optional<Endpoint> PeerPaths::direct_at() const {
  if (const Direct* path = direct()) return path->at;
  return std::nullopt;
}

std::optional<Endpoint> PeerPaths::plain_at() const {
  if (speaks_disco() || direct()) return std::nullopt;
  return heard_plain_ || relay() == 0 ? plain_.at() : std::nullopt;
}

PathAddress PeerPaths::primary() const {
  if (const Direct* path = direct()) return PathAddress::direct(path->at);
  if (const auto at = plain_at()) return PathAddress::direct(*at);
  return relay_address();
}

Route PeerPaths::route(TimePoint now) const {
  // Nothing can be proven: answer where it spoke from last, or go where it may be.
  if (const auto at = plain_at()) return {PathAddress::direct(*at), std::nullopt};
  Route out{primary(), std::nullopt};
  if (direct() && !trusts_direct(now) && relay() != 0) out.also = relay_address();
  return out;
}

bool PeerPaths::active(TimePoint now) const {
  return last_sent_ && now - *last_sent_ <= kSessionActiveFor;
}

PathStatus PeerPaths::status(TimePoint now) const {
  PathStatus out;
  if (const Direct* path = direct()) {
    out.direct = path->at;
    out.latency = path->latency;
  }
  out.trusted = trusts_direct(now);
  if (const auto at = plain_at()) {
    out.direct = at;
    out.latency = plain_.latency();
    out.trusted = last_heard_ && now - *last_heard_ <= kSessionActiveFor;
  }
  out.relay = relay();
  out.candidates = candidates_.size();
  out.active = active(now);
  out.last_heard = last_heard_;
  return out;
}

// --- traffic
// ------------------------------------------------------------------------------------------

void PeerPaths::note_traffic(Step& step) {
  last_sent_ = step.now;
  if (!speaks_disco()) {
    const PathAddress before = primary();
    if (relay() == 0) plain_.note_traffic(step.now, step.around.rng, step.out.echoes);
    return note_plain_change(before, step);
  }
  if (!heartbeat_at_) heartbeat_at_ = step.now + kHeartbeat;
  if (!trusts_direct(step.now)) discover(step);
}

void PeerPaths::on_heard(const PathAddress& from, Step& step) {
  last_heard_ = step.now;
  if (from.is_relay()) {
    heard_through_ = from.relay;
    if (from.relay == home_) gone_from_home_ = false;
    // It has no direct path to us; both ends looking find one sooner.
    if (speaks_disco() && !trusts_direct(step.now)) discover(step);
    return;
  }
  if (!speaks_disco()) {
    const PathAddress before = primary();
    heard_plain_ = true;
    plain_.on_heard(from.udp, step.now);
    return note_plain_change(before, step);
  }
  if (Direct* path = direct(); path && path->at == from.udp) {
    if (step.around.silent) path->trusted_until = step.now + kTrustDirectFor;
    if (path->trusted(step.now)) return;
  }
  const bool known = candidates_.find(from.udp) != nullptr;
  if (known && trusts_direct(step.now)) return;
  Candidate* candidate = candidates_.learn(from.udp, step.now);
  if (!candidate) return;
  if (!candidate->last_ping || step.now - *candidate->last_ping >= kHeartbeat) {
    ping_candidate(*candidate, PingPurpose::Discovery, step);
  }
}

void PeerPaths::note_plain_change(const PathAddress& before, Step& step) {
  if (before != primary()) step.out.changes.push_back({id_, before, primary()});
}

void PeerPaths::on_echo(const IpAddress& from, Duration latency) { plain_.on_echo(from, latency); }

void PeerPaths::on_unreachable(const Endpoint& at, Step& step) {
  plain_.on_unreachable(at);
  if (Candidate* candidate = candidates_.find(at)) candidate->forget_history();
  if (direct_at() != at) return;
  drop_path(step);
  if (active(step.now)) discover(step);
}

void PeerPaths::on_gone_from(RegionId region) {
  if (heard_through_ == region) heard_through_ = 0;
  if (home_ == region) gone_from_home_ = true;
}

void PeerPaths::on_own_endpoints(Step& step) {
  if (!speaks_disco()) return;
  const bool untold = called_with_ != step.around.own.generation;
  const bool lately = last_round_ && step.now - *last_round_ <= kSessionActiveFor;
  if (wants_call_ && lately && untold && !trusts_direct(step.now)) call_me_maybe(step);
}

void PeerPaths::link_changed(Step& step) {
  plain_.forget();
  drop_path(step);
  pings_.clear();
  pong_late_at_.reset();
  candidates_.forget_history();
  forget_failures();
  if (active(step.now)) discover(step);
}

// --- sending
// ------------------------------------------------------------------------------------------

void PeerPaths::send(const PathAddress& to, const disco::Message& message, Step& step) {
  step.out.sends.push_back({to, node_key_, step.around.sessions.seal(disco_key_, message)});
}

void PeerPaths::ping(
    const PathAddress& to, PingPurpose purpose, Step& step, PingId cli, std::size_t size) {
  disco::Ping ping{step.around.rng.array<12>(), step.around.self_node, 0};
  if (size > kUnpaddedPing) ping.padding = std::min(size, kLargestPing) - kUnpaddedPing;
  pings_.add({ping.tx_id, to, step.now, purpose, cli});
  send(to, ping, step);
}

void PeerPaths::ping_candidate(Candidate& candidate, PingPurpose purpose, Step& step) {
  candidate.last_ping = step.now;
  ping(PathAddress::direct(candidate.at), purpose, step);
}

// Pings the path in use and starts to wait for the pong.
void PeerPaths::check_direct(Step& step) {
  const Direct* path = direct();
  if (!path) return;
  if (Candidate* candidate = candidates_.find(path->at)) candidate->last_ping = step.now;
  ping(PathAddress::direct(path->at), PingPurpose::Heartbeat, step);
  if (!pong_late_at_) pong_late_at_ = step.now + late_after(path->latency);
}

// One round: every candidate that was not pinged lately. False: there was none.
bool PeerPaths::ping_all(Step& step) {
  candidates_.expire(step.now, direct_at());
  next_round_ = step.now + kDiscoveryInterval;
  last_round_ = step.now;
  bool pinged = false;
  for (Candidate& candidate : candidates_.all()) {
    if (candidate.last_ping && step.now - *candidate.last_ping < kDiscoveryInterval) continue;
    ping_candidate(candidate, PingPurpose::Discovery, step);
    pinged = true;
  }
  if (++failed_rounds_ >= kFailedRoundsBeforePause && !direct()) {
    paused_until_ = step.now + kFailedPause;
    failed_rounds_ = 0;
  }
  return pinged;
}

void PeerPaths::discover(Step& step) {
  if (!speaks_disco()) return;  // plain WireGuard answers nothing
  if ((next_round_ && step.now < *next_round_) || paused(step.now)) return;
  const bool pinged = ping_all(step);
  // A peer that we know no address of may still use ours.
  if (pinged || candidates_.empty()) call_me_maybe(step);
}

void PeerPaths::forget_failures() {
  next_round_.reset();
  paused_until_.reset();
  failed_rounds_ = 0;
}

// Stale endpoints are most often still right, so they are told at once; what a fresh STUN answer
// changes is told then (on_own_endpoints).
void PeerPaths::call_me_maybe(Step& step) {
  const OwnAddresses& own = step.around.own;
  wants_call_ = true;
  if (!own.fresh(step.now)) step.out.wants_restun = true;
  if (relay() == 0 || own.endpoints.empty()) return;
  disco::CallMeMaybe call{own.endpoints};
  if (call.endpoints.size() > kMaxCallMeMaybeSent) call.endpoints.resize(kMaxCallMeMaybeSent);
  called_with_ = own.generation;
  send(relay_address(), call, step);
}

// --- messages
// -----------------------------------------------------------------------------------------

PeerPaths::PingVerdict PeerPaths::on_ping(
    const disco::Ping& ping, const PathAddress& from, Step& step) {
  pongs_paid_until_ = std::max(pongs_paid_until_, step.now - kPongCost * kPongBurst);
  if (pongs_paid_until_ + kPongCost > step.now) return PingVerdict::OverBudget;
  pongs_paid_until_ += kPongCost;
  if (from.is_relay()) {
    heard_through_ = from.relay;
    if (from.relay == home_) gone_from_home_ = false;
    return PingVerdict::Answer;
  }
  Candidate* candidate = candidates_.find(from.udp);
  const bool is_new = candidate == nullptr;
  if (candidate && candidate->last_heard_ping == ping.tx_id) return PingVerdict::Duplicate;
  candidate = candidates_.learn(from.udp, step.now);
  if (candidate) candidate->last_heard_ping = ping.tx_id;
  if (is_new && direct()) check_direct(step);  // it may have moved, and the old path be dead
  return PingVerdict::Answer;
}

void PeerPaths::answer_ping(const disco::Ping& ping, const PathAddress& from, Step& step) {
  send(from, disco::Pong{ping.tx_id, from.as_endpoint()}, step);
  if (from.is_relay()) return;
  // Its ping got in here, so ours may get in there: ask that very address, at once. While a path is
  // trusted only addresses not asked so far are, or two ends would ping in turns for ever.
  Candidate* candidate = candidates_.find(from.udp);
  if (!candidate) return;
  const bool rested =
      !candidate->last_check || step.now - *candidate->last_check >= kTriggeredCheck;
  if (candidate->last_ping && (trusts_direct(step.now) || !rested)) return;
  candidate->last_check = step.now;
  ping_candidate(*candidate, PingPurpose::Discovery, step);
}

bool PeerPaths::on_pong(const disco::Pong& pong, const PathAddress& from, Step& step) {
  const auto ping = pings_.take(pong.tx_id, from.is_relay());
  if (!ping) return false;
  const Duration latency = step.now - ping->sent;
  if (ping->purpose == PingPurpose::Cli) finish_cli(ping->cli, ping->to, latency, step);
  if (ping->to.is_relay()) return true;  // says nothing about any direct path
  // The path is the address that was pinged, wherever the pong came from.
  if (Candidate* candidate = candidates_.find(ping->to.udp)) {
    candidate->note_latency(latency);
    if (candidate->learned) candidate->learned = step.now;
    consider(*candidate, latency, step);
  }
  return true;
}

void PeerPaths::consider(Candidate& candidate, Duration latency, Step& step) {
  Direct* path = direct();
  if (path && path->at == candidate.at) {
    return take_path(candidate.at, candidate.latency().value_or(latency), step);
  }
  if (!path || !path->trusted(step.now)) return take_path(candidate.at, latency, step);
  const PathQuality challenger{candidate.at, candidate.latency().value_or(latency)};
  if (!better(challenger, {path->at, path->latency})) {
    candidate.better_pongs = 0;
    return;
  }
  // Between two working paths one lucky pong is not enough to move.
  if (++candidate.better_pongs >= 2) return take_path(candidate.at, challenger.latency, step);
  ping_candidate(candidate, PingPurpose::Discovery, step);
}

void PeerPaths::take_path(const Endpoint& at, Duration latency, Step& step) {
  const PathAddress before = primary();
  state_ = Direct{at, latency, step.now + kTrustDirectFor};
  if (Candidate* candidate = candidates_.find(at)) candidate->better_pongs = 0;
  pong_late_at_.reset();
  late_before_ = false;
  failed_rounds_ = 0;
  paused_until_.reset();
  wants_call_ = false;
  if (before != primary()) step.out.changes.push_back({id_, before, primary()});
}

void PeerPaths::drop_path(Step& step) {
  if (!direct()) return;
  const PathAddress before = primary();
  state_ = Relayed{};
  pong_late_at_.reset();
  late_before_ = false;
  step.out.changes.push_back({id_, before, primary()});
}

void PeerPaths::on_call_me_maybe(const disco::CallMeMaybe& call, Step& step) {
  const std::size_t count = std::min(call.endpoints.size(), kMaxCallMeMaybeAccepted);
  if (candidates_.set_call(std::span(call.endpoints).first(count))) forget_failures();
  if (react_at_) return;
  if (last_reaction_ && step.now - *last_reaction_ < kCallMeMaybeReaction) {
    react_at_ = *last_reaction_ + kCallMeMaybeReaction;
    return;
  }
  react_to_call(step);
}

// The caller's pings have just opened its NAT for us, so ours go out now, whatever was pinged
// lately. It is not called back: it has pinged us already, and two ends calling each other would
// not stop.
void PeerPaths::react_to_call(Step& step) {
  last_reaction_ = step.now;
  candidates_.forget_ping_times();
  ping_all(step);
}

// --- pings by people
// ------------------------------------------------------------------------------------

void PeerPaths::cli_ping(PingId id, std::size_t size, Step& step) {
  if (!speaks_disco()) {
    step.out.pings_done.push_back({id, id_, std::nullopt, {}});
    return;
  }
  last_sent_ = step.now;
  if (!heartbeat_at_) heartbeat_at_ = step.now + kHeartbeat;
  cli_waits_.push_back({id, step.now + kPingTimeout});
  if (trusts_direct(step.now)) {
    return ping(PathAddress::direct(*direct_at()), PingPurpose::Cli, step, id, size);
  }
  if (relay() != 0) ping(relay_address(), PingPurpose::Cli, step, id, size);
  candidates_.expire(step.now, direct_at());
  for (Candidate& candidate : candidates_.all()) {
    candidate.last_ping = step.now;
    ping(PathAddress::direct(candidate.at), PingPurpose::Cli, step, id, size);
  }
  last_round_ = step.now;
  next_round_ = step.now + kDiscoveryInterval;
  call_me_maybe(step);
}

void PeerPaths::probe(PingId id, Step& step) {
  const bool direct_alone = speaks_disco() && trusts_direct(step.now);
  cli_ping(id, 0, step);
  if (direct_alone && relay() != 0) ping(relay_address(), PingPurpose::Cli, step, id);
}

void PeerPaths::finish_cli(
    PingId id, std::optional<PathAddress> via, Duration latency, Step& step) {
  const auto wait = std::ranges::find(cli_waits_, id, &CliWait::id);
  if (wait == cli_waits_.end()) return;  // answered before, over another path
  cli_waits_.erase(wait);
  step.out.pings_done.push_back({id, id_, via, latency});
}

// --- time
// -----------------------------------------------------------------------------------------------

void PeerPaths::advance(Step& step) {
  while (const auto lost = pings_.take_expired(step.now)) on_ping_lost(*lost, step);
  while (!cli_waits_.empty() && cli_waits_.front().until <= step.now) {
    finish_cli(cli_waits_.front().id, std::nullopt, {}, step);
  }
  if (take_if_due(pong_late_at_, step.now)) on_pong_late(step);
  if (take_if_due(react_at_, step.now)) react_to_call(step);
  if (take_if_due(heartbeat_at_, step.now)) on_heartbeat(step);
}

std::optional<TimePoint> PeerPaths::next_deadline() const {
  auto next = earlier(pings_.next_deadline(), heartbeat_at_);
  next = earlier(next, earlier(pong_late_at_, react_at_));
  if (!cli_waits_.empty()) next = earlier(next, cli_waits_.front().until);
  return next;
}

bool PeerPaths::wants_full_ping(TimePoint now) const {
  const Direct* path = direct();
  if (!path || !path->trusted(now) || !last_round_) return true;
  return path->latency > kGoodEnoughLatency && now - *last_round_ >= kUpgradeInterval;
}

void PeerPaths::on_heartbeat(Step& step) {
  if (!speaks_disco() || !active(step.now)) {
    wants_call_ = false;
    return;  // idle: the next packet starts again
  }
  if (!step.around.silent) check_direct(step);
  if (wants_full_ping(step.now)) discover(step);
  heartbeat_at_ = step.now + kHeartbeat;
}

// One lost pong is weather, and is asked after again; two in a row make the path doubtful long
// before its trust would run out.
void PeerPaths::on_pong_late(Step& step) {
  Direct* path = direct();
  if (!path) return;
  if (!late_before_) {
    late_before_ = true;
    return check_direct(step);
  }
  late_before_ = false;
  if (!path->trusted(step.now)) return;
  path->trusted_until = step.now - 1ns;
  // What broke may be our own router: the endpoints we tell could be wrong, however fresh.
  step.out.wants_restun = true;
  candidates_.forget_ping_times();
  next_round_.reset();
  discover(step);
}

void PeerPaths::on_ping_lost(const PingInFlight& lost, Step& step) {
  const Direct* path = direct();
  if (path && PathAddress::direct(path->at) == lost.to && !path->trusted(step.now)) drop_path(step);
}

}  // namespace aya::path
