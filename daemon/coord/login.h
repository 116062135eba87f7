// Registration as a state machine: which node key to offer, and what an answer means (control 4.3,
// 6.2, 9.1-9.5). Pure; it sends nothing itself.
//
//   Idle --begin--> Asking --no AuthURL--> Idle, registered
//                     |  ^---- NodeKeyExpired: a new key, once
//                     +--AuthURL--> Waiting (the same question with Followup)
#pragma once

#include <optional>
#include <string>

#include "proto/base/rng.h"
#include "proto/control/register.h"
#include "proto/keys/private_key.h"

namespace aya::coord {

// The keys a node is known by. To be stored whenever the login changes them.
struct Identity {
  NodePrivateKey node_key;      // zero: never registered
  NodePrivateKey old_node_key;  // while a rotation is under way
};

class Login {
 public:
  Login(Identity identity, Rng& rng);  // rng outlives this

  // A person or a program wants this node registered. `renew`: with a new key, because the present
  // one is known to have expired or is to be replaced.
  void begin(std::optional<std::string> auth_key, bool ephemeral, bool renew);
  void abandon();

  // The request to send now. Hostinfo and version are the caller's to fill in.
  control::RegisterRequest request() const;
  // Logging out is the same question with an expiry in the past.
  control::RegisterRequest logout_request() const;
  void forget();  // after a log-out: no key at all

  enum class Verdict {
    Registered,  // identity() is new and valid
    AskNow,      // send request() at once
    AskLater,    // send request() after a back-off
    Refused,     // reason() is for the user; begin() again
  };
  Verdict on_answer(const control::RegisterResponse& answer);

  bool asking() const { return asking_; }
  const Identity& identity() const { return identity_; }
  const std::string& auth_url() const { return followup_; }  // non-empty: to be shown
  const std::string& reason() const { return reason_; }

 private:
  void offer_new_key();

  Identity identity_;
  Rng& rng_;
  bool asking_ = false;
  NodePrivateKey trying_;  // the key offered; adopted when accepted
  bool fresh_ = false;     // trying_ was made for this login
  std::optional<std::string> auth_key_;
  bool ephemeral_ = false;
  std::string followup_;
  std::string reason_;
};

}  // namespace aya::coord
