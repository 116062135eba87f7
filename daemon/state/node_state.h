// NodeState is all a node must remember over a restart, and its form on disk: JSON, version 1.
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

struct NodeState {
  MachinePrivateKey machine_key;  // made once, never changed
  NodePrivateKey node_key;        // zero: not registered
  NodePrivateKey old_node_key;    // zero, or the one before, while a rotation is under way
  std::string node_id;            // StableID that control gave
  UserProfile profile;
  std::string control_url;
  std::string server_certificate;  // pin: "sha256-raw:<64 hex>", or empty for the system's roots
  MachinePublicKey server_key;     // what the server at server_url proved to have; zero: unknown
  std::string server_url;
  std::string prefs;     // JSON object in tailscale's names (interfaces 4.3); proto/local
                         // reads and writes it. Empty: none stored
  std::string previous_exit_node;  // the choice before the present one; empty: there was none
  std::string name_key;  // id of this profile in LocalAPI, made with the first login

  bool has_node_key() const { return !node_key.is_zero(); }
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
