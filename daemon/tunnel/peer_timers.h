// The five timers of a peer (dataplane 1.5):
//
//   retransmit     an initiation was not answered: send another, for 90 s
//   keepalive      data came, and nothing of ours went back for 10 s: say that we are alive
//   new handshake  data went, and nothing authentic came back for 15 s: the session is dead
//   wipe           no new session in 540 s: forget all keys
//   persistent     nothing either way for as long as the user asked: keep NATs open
//
// A passive keepalive answers data only. If it answered keepalives too, two idle peers would keep
// each other awake for ever.
#pragma once

#include <optional>

#include "proto/base/rng.h"
#include "proto/base/time.h"
#include "proto/wireguard/constants.h"

namespace aya::tunnel {

// What advance() found due.
struct TimersDue {
  bool retry_handshake = false;  // continue the train of initiations
  bool new_handshake = false;    // begin one
  bool keepalive = false;
  bool give_up = false;  // the train has failed: nobody waits for a session any longer
  bool wipe = false;
  bool silent = false;  // the peer has not answered; see Effects::silent
};

class PeerTimers {
 public:
  // Events. Data is a packet that is not empty.
  void data_sent(TimePoint now, Rng& rng);
  void data_received(TimePoint now);
  void authentic_sent(TimePoint now);  // data, keepalive or handshake
  void authentic_received(TimePoint now);
  void train_begins(TimePoint now) { train_began_ = now; }
  void initiation_sent(TimePoint now, Rng& rng);
  // An initiation was due but had to keep its distance to the last handshake message.
  void initiation_held_back(TimePoint last_sent, Rng& rng);
  void handshake_complete();
  // The next initiations follow each other quickly: the peer is about to become reachable.
  void hurry() { hurried_left_ = kHurried; }
  // Between the last handshake message and the next initiation, at least.
  Duration distance() const { return distance_; }
  void session_derived(TimePoint now);

  // Zero switches persistent keepalives off. Switching them on sends one at once.
  void set_persistent(Duration interval);
  void stop_all_but_persistent();

  TimersDue advance(TimePoint now);
  std::optional<TimePoint> earliest() const;

 private:
  static constexpr int kHurried = 3;

  void retransmit_due(TimePoint now, TimersDue& due);

  std::optional<TimePoint> retransmit_at_;
  std::optional<TimePoint> keepalive_at_;
  std::optional<TimePoint> new_handshake_at_;
  std::optional<TimePoint> wipe_at_;
  std::optional<TimePoint> persistent_at_;
  Duration persistent_interval_{};
  TimePoint train_began_{};
  Duration distance_ = wireguard::kRekeyTimeout;
  int hurried_left_ = 0;
  bool another_keepalive_ = false;  // more data came while a keepalive was already on its way
};

}  // namespace aya::tunnel
