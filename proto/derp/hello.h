// The greeting of a DERP connection (nat-traversal 3.5): ServerKey, ClientInfo, ServerInfo. The
// two infos are JSON inside a box between the client's node key and the relay's key, so that each
// proves to the other that it holds its key.
#pragma once

#include <optional>
#include <string>

#include "proto/crypto/nacl_box.h"
#include "proto/derp/frame.h"
#include "proto/derp/relay_key.h"

namespace aya::derp {

struct ClientInfo {
  std::int64_t version = kProtocolVersion;
  std::optional<MeshKey> mesh_key;  // left out if absent: an empty one ends the connection
  bool can_ack_pings = false;
  bool is_prober = false;
  std::string app_name;
};

// A ClientInfo whose box opened: the client holds the private half of `node`.
struct Greeting {
  NodePublicKey node;
  ClientInfo info;
};

struct ServerInfo {
  std::int64_t version = kProtocolVersion;
  // The client must drop what exceeds this; 0: no limit.
  std::int64_t token_bucket_bytes_per_second = 0;
  std::int64_t token_bucket_bytes_burst = 0;
};

void write_server_key(const RelayPublicKey& relay, Buffer& out);
// Bytes behind the key are ignored. A connection's first frame must be of this type and at most
// kMaxServerKeyFrame long.
Result<RelayPublicKey, ParseError> parse_server_key(Bytes payload);

// false: the other key is one of the few that X25519 refuses.
bool write_client_info(
    const NodePrivateKey& self, const RelayPublicKey& relay, const crypto::BoxNonce& nonce,
    const ClientInfo& info, Buffer& out);
Result<Greeting, ParseError> open_client_info(const RelayPrivateKey& self, Bytes payload);

bool write_server_info(
    const RelayPrivateKey& self, const NodePublicKey& client, const crypto::BoxNonce& nonce,
    const ServerInfo& info, Buffer& out);
Result<ServerInfo, ParseError> open_server_info(
    const NodePrivateKey& self, const RelayPublicKey& relay, Bytes payload);

// The JSON inside the boxes, as the reference writes and reads it: names match without regard to
// case, unknown names are skipped, a value of the wrong type is BadEncoding.
std::string to_json(const ClientInfo& info);
std::string to_json(const ServerInfo& info);
Result<ClientInfo, ParseError> client_info_from_json(std::string_view text);
Result<ServerInfo, ParseError> server_info_from_json(std::string_view text);

}  // namespace aya::derp
