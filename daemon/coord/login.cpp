#include "daemon/coord/login.h"

namespace aya::coord {
namespace {

// What deployed clients send to log out: an instant that is surely past.
constexpr WallTime kLongPast{std::chrono::seconds(123)};

}  // namespace

Login::Login(Identity identity, Rng& rng) : identity_(std::move(identity)), rng_(rng) {}

void Login::begin(std::optional<std::string> auth_key, bool ephemeral, bool renew) {
  // A new key that is on offer already may have been let in, with only the answer missing.
  const bool keep_offer = asking_ && fresh_;
  asking_ = true;
  auth_key_ = std::move(auth_key);
  ephemeral_ = ephemeral;
  followup_.clear();
  reason_.clear();
  if (keep_offer) return;
  fresh_ = false;
  if (renew || identity_.node_key.is_zero()) {
    offer_new_key();
  } else {
    trying_ = identity_.node_key;
  }
}

void Login::abandon() {
  asking_ = false;
  followup_.clear();
  auth_key_.reset();
}

void Login::offer_new_key() {
  trying_ = NodePrivateKey::generate(rng_);
  fresh_ = true;
}

control::RegisterRequest Login::request() const {
  control::RegisterRequest out;
  out.node_key = trying_.public_key();
  if (fresh_ && !identity_.node_key.is_zero()) {
    out.old_node_key = identity_.node_key.public_key();
  }
  if (auth_key_) out.auth = control::RegisterAuth{*auth_key_};
  out.followup = followup_;
  out.ephemeral = ephemeral_;
  return out;
}

control::RegisterRequest Login::logout_request() const {
  control::RegisterRequest out;
  out.node_key = identity_.node_key.public_key();
  out.expiry = kLongPast;
  return out;
}

void Login::forget() {
  identity_ = {};
  abandon();
}

Login::Verdict Login::on_answer(const control::RegisterResponse& answer) {
  if (!answer.error.empty()) {
    reason_ = answer.error;
    abandon();
    return Verdict::Refused;
  }
  if (answer.node_key_expired) {
    if (fresh_) {
      reason_ = "the server calls a key expired that was made a moment ago";
      abandon();
      return Verdict::Refused;
    }
    offer_new_key();
    followup_.clear();
    return Verdict::AskNow;
  }
  if (!answer.auth_url.empty()) {
    // The same URL again means that nobody has come yet: no hurry.
    const bool repeated = followup_ == answer.auth_url;
    followup_ = answer.auth_url;
    return repeated ? Verdict::AskLater : Verdict::AskNow;
  }
  if (fresh_) {
    identity_.old_node_key = identity_.node_key;
    identity_.node_key = trying_;
  }
  abandon();
  return Verdict::Registered;
}

}  // namespace aya::coord
