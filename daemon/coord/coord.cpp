#include "daemon/coord/coord.h"

#include <algorithm>

#include "daemon/netmap/expiry.h"

namespace aya::coord {

Coord::Coord(CoordConfig config, Rng& rng)
    : config_(std::move(config)),
      rng_(rng),
      login_(config_.identity, rng),
      connect_backoff_(rng),
      register_backoff_(rng),
      poll_backoff_(rng),
      update_backoff_(rng) {}

CoordSession* Coord::session() {
  if (!current_) return nullptr;
  const auto found = links_.find(*current_);
  return found == links_.end() || !found->second.session ? nullptr : &*found->second.session;
}

// ---- what is wanted

void Coord::set_host(const HostState& host, Moment now, Effects& out) {
  if (host_ == host) return;
  host_ = host;
  update_at_.reset();
  work(now, out);
  flush(out);
}

void Coord::login(const LoginWish& wish, Moment now, Effects& out) {
  wish_ = Wish::Join;
  const bool has_key = !login_.identity().node_key.is_zero();
  const bool has_map = state_.netmap.self.id.value != 0;
  const bool expired = has_map && netmap::self_is_expired(state_, now.wall);
  if (registering_ && !wish.auth_key && !login_.auth_url().empty()) {
    out.phase_changed = true;  // the question is still open: show it again
  } else if (!has_key || expired || refused_ || wish.auth_key || wish.renew) {
    cancel_registration();
    login_.begin(wish.auth_key, wish.ephemeral, has_key && (expired || wish.renew));
    renewing_ = wish.renew && in_poll() && !expired;
  }
  refused_ = false;
  register_at_.reset();
  if (!current_ && !dial_) connect_at_.reset();  // somebody is waiting: no back-off
  work(now, out);
  flush(out);
  set_phase(out, now);
}

void Coord::stop(Effects& out) {
  wish_ = Wish::Nothing;
  login_.abandon();
  close_all(out);
  state_.begin_poll();
  phase_ = Phase::Stopped;
  out.phase_changed = true;
}

void Coord::network_changed(Moment now, Effects& out) {
  if (connect_at_) connect_at_ = now.steady;
  probe(now);
  work(now, out);
  flush(out);
}

// ---- the step that follows every change

void Coord::work(Moment now, Effects& out) {
  if (wish_ == Wish::Nothing) return;
  if (!current_) {
    if (!dial_ && (!connect_at_ || *connect_at_ <= now.steady)) dial(now, out);
    return;
  }
  if (wish_ == Wish::LogOut) {
    if (logging_out_) return;
    return send_logout(now, out);
  }
  if (login_.asking() && !registering_ && !register_at_) send_register(now, out);
  const bool registered = !login_.identity().node_key.is_zero();
  // The first login has nothing to ask a map with; a renewal keeps the old poll meanwhile.
  if (!current_ || !registered || refused_) return;
  if (!poll_ && !poll_at_ && !(login_.asking() && state_.netmap.self.id.value == 0)) {
    open_poll(now, out);
  }
  if (current_ && poll_ && told_ != host_ && !update_ && !update_at_) send_update(now);
}

void Coord::pump(LinkId link, Moment now, Effects& out) {
  for (;;) {
    const auto found = links_.find(link);
    if (found == links_.end() || !found->second.session) break;
    auto events = found->second.session->take_events();
    if (events.empty()) break;
    for (SessionEvent& event : events) on_event(link, std::move(event), now, out);
  }
  work(now, out);
  flush(out);
  set_phase(out, now);
}

void Coord::flush(Effects& out) {
  for (auto& [link, state] : links_) {
    if (!state.session) continue;
    Buffer bytes;
    state.session->take_output(bytes);
    if (!bytes.empty()) out.send.push_back({link, std::move(bytes)});
  }
}

void Coord::on_event(LinkId link, SessionEvent event, Moment now, Effects& out) {
  if (const auto* learned = std::get_if<KeyLearned>(&event)) {
    config_.server_key = links_.at(link).server_key = learned->key;
    out.server_key = learned->key;
  } else if (std::holds_alternative<Established>(event)) {
    on_established(link, now, out);
  } else if (const auto* answered = std::get_if<Answered>(&event)) {
    on_answered(*answered, now, out);
  } else if (auto* map = std::get_if<MapArrived>(&event)) {
    if (poll_ && poll_->stream == map->stream) on_map(std::move(map->message), now, out);
  } else if (const auto* ended = std::get_if<MapEnded>(&event)) {
    if (poll_ && poll_->stream == ended->stream) on_map_ended(*ended, now, out);
  } else if (const auto* failed = std::get_if<SessionFailed>(&event)) {
    // Asked for again where it can be trusted: over what the URL names.
    if (failed->key_refused) config_.server_key.reset();
    on_link_lost(link, failed->reason, now, out);
  }
}

void Coord::on_answered(const Answered& answer, Moment now, Effects& out) {
  if (registering_ && registering_->stream == answer.stream) {
    on_register_answer(answer.response, now, out);
  } else if (logging_out_ && logging_out_->stream == answer.stream) {
    on_logout_answer(answer.response, out, now);
  } else if (update_ && update_->request.stream == answer.stream) {
    on_update_answer(answer.response, now, out);
  } else if (reporting_ && reporting_->stream == answer.stream) {
    on_flow_report_answer(answer.response, out);
  }
}

void Coord::set_phase(Effects& out, Moment now) {
  Phase next = Phase::Connecting;
  const bool has_map = state_.netmap.self.id.value != 0;
  if (wish_ == Wish::Nothing) {
    next = Phase::Stopped;
  } else if (refused_ || (!login_.auth_url().empty() && !renewing_)) {
    next = Phase::NeedsLogin;
  } else if (has_map && netmap::self_is_expired(state_, now.wall)) {
    next = Phase::NeedsLogin;
  } else if (has_map) {
    next = state_.netmap.self.machine_authorized ? Phase::Running : Phase::NeedsMachineAuth;
  }
  if (next != phase_ || shown_url_ != login_.auth_url() || shown_poll_ != in_poll()) {
    out.phase_changed = true;
  }
  phase_ = next;
  shown_url_ = login_.auth_url();
  shown_poll_ = in_poll();
}

// ---- time

void Coord::advance(Moment now, Effects& out) {
  const TimePoint steady = now.steady;
  std::vector<LinkId> late;
  for (const auto& [link, state] : links_) {
    if (link != current_ && state.deadline <= steady) late.push_back(link);
  }
  for (const LinkId link : late) {
    const auto& to = links_.at(link).to;
    on_link_lost(
        link, to.host + ":" + std::to_string(to.port) + " did not answer in time", now, out);
  }
  open_due_attempts(now, out);

  if (take_if_due(probe_deadline_, steady) && session() != nullptr &&
      session()->pongs() == pongs_before_) {
    drop_connection("the server does not answer any more", now, out);
  }
  if (poll_ && poll_->deadline <= steady) {
    drop_connection("nothing heard from the server for two minutes", now, out);
  }
  if (registering_ && registering_->deadline <= steady) {
    if (login_.auth_url().empty()) {
      drop_connection("the server did not answer the registration", now, out);
    } else {
      probe(now);
      registering_->deadline = steady + kWaitProbe;
    }
  }
  if (logging_out_ && logging_out_->deadline <= steady) {
    drop_connection("the server did not answer the log-out", now, out);
  }
  if (update_ && update_->request.deadline <= steady) {
    session()->cancel(update_->request.stream);
    update_.reset();
    update_at_ = steady + update_backoff_.next();
  }
  if (reporting_ && reporting_->deadline <= steady) {
    session()->cancel(reporting_->stream);
    give_up_report(out);
  }
  take_if_due(connect_at_, steady);
  take_if_due(register_at_, steady);
  take_if_due(poll_at_, steady);
  take_if_due(update_at_, steady);
  if (take_if_due(expiry_at_, steady)) {
    const auto next = netmap::next_expiry(state_, now.wall);
    if (next) expiry_at_ = steady + std::max<Duration>(*next - now.wall, 1s);
  }
  work(now, out);
  flush(out);
  set_phase(out, now);
}

std::optional<TimePoint> Coord::next_deadline() const {
  std::optional<TimePoint> next;
  for (const auto& [link, state] : links_) {
    if (link != current_) next = earlier(next, state.deadline);
  }
  if (dial_ && !dial_->waiting.empty()) {
    next = earlier(next, dial_->began + dial_->waiting.front().after);
  }
  if (poll_) next = earlier(next, poll_->deadline);
  if (registering_) next = earlier(next, registering_->deadline);
  if (logging_out_) next = earlier(next, logging_out_->deadline);
  if (update_) next = earlier(next, update_->request.deadline);
  if (reporting_) next = earlier(next, reporting_->deadline);
  for (const auto& at :
       {connect_at_, register_at_, poll_at_, update_at_, probe_deadline_, expiry_at_}) {
    next = earlier(next, at);
  }
  return next;
}

}  // namespace aya::coord
