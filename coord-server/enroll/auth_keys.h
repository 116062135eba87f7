// Auth keys: how a machine proves that somebody wants it in the network. Made by people, spent by
// machines (interfaces 1.2, 1.7).
//
// Pure but for the store. One thread.
#pragma once

#include "coord-server/enroll/credential_text.h"
#include "coord-server/store/store.h"

namespace aya::enroll {

struct AuthKeyWish {
  store::AccountId account;
  store::UserId user;
  bool reusable = false;
  bool ephemeral = false;
  bool preauthorized = false;
  std::vector<std::string> tags;
  std::string client;             // the OAuth client that makes it, if one does
  std::optional<IpAddress> ipv4;  // kept for the machine that comes with it
  std::string description;
  std::chrono::seconds valid_for{0};  // 0: the default, which is also the longest
};

struct NewAuthKey {
  store::AuthKey key;
  std::string text;  // the secret, told this once
};

// Why a key opens nothing, in words for the person at the machine.
struct KeyRefusal {
  std::string reason;
};

class AuthKeys {
 public:
  static constexpr std::chrono::seconds kLongest = std::chrono::days(90);

  AuthKeys(store::Store& storage, Rng& rng) : storage_(storage), rng_(rng) {}  // both outlive this

  store::Stored<NewAuthKey> create(
      const AuthKeyWish& wish, WallTime now, const store::AuditEntry& audit);

  // A key that would let a node in now. Using it is part of admitting the node (store.h), which may
  // still lose the race for a one-off key.
  Result<store::AuthKey, KeyRefusal> check(std::string_view text, WallTime now);

 private:
  store::Store& storage_;
  Rng& rng_;
};

}  // namespace aya::enroll
