// NodeState is all a node must remember over a restart, and its form on disk: JSON.
//
// A machine may have several logins, of which one is in use; the others wait as they were left. A
// file with others is of version 2, so that a program that knows only one login does not lose them;
// without, it is of version 1.
//
// Keys are private keys in text form: the encoded text is as secret as they are.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.h"
#include "proto/keys/private_key.h"
#include "proto/keys/public_key.h"

namespace aya::state {

struct UserProfile {  // who this node belongs to, as control named it
  std::int64_t user_id = 0;
  std::string login_name;
  std::string display_name;
  std::string picture_url;

  friend bool operator==(const UserProfile&, const UserProfile&) = default;
};

struct NetworkName {  // how the network of a login calls itself
  std::string domain;
  std::string magic_dns_suffix;

  friend bool operator==(const NetworkName&, const NetworkName&) = default;
};

// Who this machine is in one network. Each login has a machine key of its own: servers know one
// node for a machine, and what one of them knows of this machine is no other's business.
struct LoginState {
  MachinePrivateKey machine_key;  // made with the login, never changed
  NodePrivateKey node_key;        // zero: not registered
  NodePrivateKey old_node_key;    // zero, or the one before, while a rotation is under way
  std::string node_id;            // StableID that control gave
  UserProfile profile;
  NetworkName network;
  std::string control_url;
  std::string server_certificate;  // pin: "sha256-raw:<64 hex>", or empty for the system's roots
  MachinePublicKey server_key;     // what the server at server_url proved to have; zero: unknown
  std::string server_url;
  std::string prefs;               // JSON object in tailscale's names (interfaces 4.3); proto/local
                                   // reads and writes it. Empty: none stored
  std::string previous_exit_node;  // the choice before the present one; empty: there was none
  std::string name_key;  // id of this login in LocalAPI, made when it first succeeds; unique here
  std::string created;   // when that was, RFC 3339

  bool has_node_key() const { return !node_key.is_zero(); }
};

struct NodeState : LoginState {  // the login in use
  std::vector<LoginState> others;
};

// The text ends with a newline. Wipe it after use.
std::string encode(const NodeState& state);

struct DecodeError {
  std::string what;    // the place and the reason, for a person
  bool newer = false;  // well-formed, of a version this program does not know
};

// Refuses what is not complete and well-formed. Unknown fields are ignored: only a file that an
// older program would misread gets a new version.
Result<NodeState, DecodeError> decode_node_state(std::string_view text);

}  // namespace aya::state
