#include "daemon/tunnel/peer_timers.h"

namespace aya::tunnel {
namespace {

using namespace wireguard;

// The first of the distances that hurry() asks for; each is twice the one before.
constexpr Duration kHurriedDistance = 500ms;

// Two peers that lost each other at one moment must not keep initiating at one moment.
Duration jitter(Rng& rng) {
  constexpr auto kMilliseconds = std::chrono::milliseconds(kMaxJitter / 1ms).count();
  return std::chrono::milliseconds(rng.below(static_cast<std::uint32_t>(kMilliseconds + 1)));
}

}  // namespace

void PeerTimers::data_sent(TimePoint now, Rng& rng) {
  if (!new_handshake_at_) new_handshake_at_ = now + kNewHandshakeTimeout + jitter(rng);
}

void PeerTimers::data_received(TimePoint now) {
  if (keepalive_at_) {
    another_keepalive_ = true;
  } else {
    keepalive_at_ = now + kKeepaliveTimeout;
  }
}

void PeerTimers::authentic_sent(TimePoint now) {
  keepalive_at_.reset();
  if (persistent_interval_ > 0s) persistent_at_ = now + persistent_interval_;
}

void PeerTimers::authentic_received(TimePoint now) {
  new_handshake_at_.reset();
  if (persistent_interval_ > 0s) persistent_at_ = now + persistent_interval_;
}

void PeerTimers::initiation_sent(TimePoint now, Rng& rng) {
  const bool hurried = hurried_left_ > 0;
  distance_ = hurried ? kHurriedDistance * (1 << (kHurried - hurried_left_)) : kRekeyTimeout;
  if (hurried) --hurried_left_;
  retransmit_at_ = now + distance_ + (hurried ? Duration{} : jitter(rng));
}

void PeerTimers::initiation_held_back(TimePoint last_sent, Rng& rng) {
  if (!retransmit_at_) retransmit_at_ = last_sent + distance_ + jitter(rng);
}

void PeerTimers::handshake_complete() {
  retransmit_at_.reset();
  distance_ = kRekeyTimeout;
  hurried_left_ = 0;
}

void PeerTimers::session_derived(TimePoint now) { wipe_at_ = now + kWipeAfter; }

void PeerTimers::set_persistent(Duration interval) {
  const bool begins = persistent_interval_ == 0s && interval > 0s;
  persistent_interval_ = interval;
  if (interval == 0s) persistent_at_.reset();
  if (begins) persistent_at_ = TimePoint{};
}

void PeerTimers::stop_all_but_persistent() {
  retransmit_at_.reset();
  keepalive_at_.reset();
  new_handshake_at_.reset();
  wipe_at_.reset();
  another_keepalive_ = false;
  distance_ = kRekeyTimeout;
  hurried_left_ = 0;
}

TimersDue PeerTimers::advance(TimePoint now) {
  TimersDue due;
  if (take_if_due(retransmit_at_, now)) retransmit_due(now, due);
  if (take_if_due(keepalive_at_, now)) {
    due.keepalive = true;
    if (another_keepalive_) keepalive_at_ = now + kKeepaliveTimeout;
    another_keepalive_ = false;
  }
  if (take_if_due(new_handshake_at_, now)) due.new_handshake = due.silent = true;
  due.wipe = take_if_due(wipe_at_, now);
  if (take_if_due(persistent_at_, now)) {
    due.keepalive = true;
    persistent_at_ = now + persistent_interval_;  // even if nothing can be sent just now
  }
  return due;
}

void PeerTimers::retransmit_due(TimePoint now, TimersDue& due) {
  due.silent = true;
  if (now - train_began_ < kRekeyAttemptTime) {
    due.retry_handshake = true;
    return;
  }
  due.give_up = true;
  keepalive_at_.reset();
  if (!wipe_at_) wipe_at_ = now + kWipeAfter;
}

std::optional<TimePoint> PeerTimers::earliest() const {
  return earlier(
      earlier(earlier(retransmit_at_, keepalive_at_), earlier(new_handshake_at_, wipe_at_)),
      persistent_at_);
}

}  // namespace aya::tunnel
