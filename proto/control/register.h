// Joining an account: the server's key, and registration (control 2.1, 6.1, 6.2).
#pragma once

#include <optional>
#include <string>

#include "proto/base/time.h"
#include "proto/control/hostinfo.h"
#include "proto/control/node.h"
#include "proto/keys/public_key.h"

namespace aya::control {

struct OverTlsKeys {            // the answer to GET /key?v=N
  MachinePublicKey legacy_key;  // always written, zero is fine
  MachinePublicKey public_key;  // the server's Noise key
  friend bool operator==(const OverTlsKeys&, const OverTlsKeys&) = default;
};

struct EarlyPayload {  // first thing a server may say inside Noise (control 3.5)
  ChallengePublicKey node_key_challenge;
  friend bool operator==(const EarlyPayload&, const EarlyPayload&) = default;
};

struct NetworkLockRole {
  static constexpr std::string_view kPublicPrefix = "nlpub:";
};
using NetworkLockPublicKey = PublicKey<NetworkLockRole>;

struct RegisterAuth {
  std::string auth_key;
  friend bool operator==(const RegisterAuth&, const RegisterAuth&) = default;
};

struct RegisterRequest {
  int version = 0;
  NodePublicKey node_key;      // being registered
  NodePublicKey old_node_key;  // the one before it when rotating, else zero
  NetworkLockPublicKey network_lock_key;
  std::optional<RegisterAuth> auth;
  std::optional<WallTime> expiry;  // in the past: log out now. nullopt: no wish
  std::string followup;            // the AuthURL of an earlier answer; the server then waits
  std::optional<Hostinfo> hostinfo;
  bool ephemeral = false;
  Buffer node_key_signature;
  std::string signature_type;
  std::optional<WallTime> timestamp;
  Buffer device_cert, signature;
  std::string tailnet;
  friend bool operator==(const RegisterRequest&, const RegisterRequest&) = default;
};

struct User {
  UserId id{};
  std::string display_name, profile_pic_url;
  std::optional<WallTime> created;
  friend bool operator==(const User&, const User&) = default;
};

struct Login {
  std::int64_t id = 0;
  std::string provider, login_name, display_name, profile_pic_url;
  friend bool operator==(const Login&, const Login&) = default;
};

// Every field is always written. A reader looks at `error` first, then node_key_expired, then
// auth_url (control 6.2).
struct RegisterResponse {
  User user;
  Login login;
  bool node_key_expired = false;
  bool machine_authorized = false;
  std::string auth_url;
  Buffer node_key_signature;
  std::string error;
  friend bool operator==(const RegisterResponse&, const RegisterResponse&) = default;
};

}  // namespace aya::control
