// A node of the account, as every map shows it (control 6.5), a change to one (6.6), and the people
// nodes belong to (6.2).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proto/base/strong_id.h"
#include "proto/base/time.h"
#include "proto/control/dns_config.h"
#include "proto/control/hostinfo.h"
#include "proto/keys/public_key.h"
#include "proto/netaddr/endpoint.h"
#include "proto/netaddr/prefix.h"
#include "proto/packet/path_address.h"

namespace aya::control {

using NodeId = StrongId<struct NodeIdTag, std::int64_t>;  // positive, never used again
using UserId = StrongId<struct UserIdTag, std::int64_t>;

// Capability names to their values; null and [] both mean "present, without values".
using CapMap = std::map<std::string, std::vector<RawJson>>;

struct Node {
  NodeId id{};
  std::string stable_id;
  std::string name;  // full DNS name with the trailing dot
  UserId user{};
  UserId sharer{};  // who shared it to us, if not the owner
  NodePublicKey key;
  std::optional<WallTime> key_expiry;  // nullopt: never
  Buffer key_signature;
  MachinePublicKey machine;  // zero on peers
  DiscoPublicKey disco_key;  // zero: no path to it
  std::vector<Prefix> addresses;
  std::optional<std::vector<Prefix>> allowed_ips;  // nullopt: as addresses; empty: nothing
  std::vector<Endpoint> endpoints;
  std::string legacy_derp;  // "127.3.3.40:<region>", for viewers before kHomeDerp
  RegionId home_derp = 0;
  std::optional<Hostinfo> hostinfo;  // a server always sends it on peers
  std::optional<WallTime> created;
  int cap = 0;  // that node's capability version
  std::vector<std::string> tags;
  std::vector<Prefix> primary_routes;
  std::optional<WallTime> last_seen;  // of offline nodes
  std::optional<bool> online;         // nullopt: unknown
  bool machine_authorized = false;
  std::vector<std::string> capabilities;  // legacy list; the fold merges it into cap_map
  CapMap cap_map;
  bool unsigned_peerapi_only = false;
  std::string data_plane_audit_log_id;
  bool expired = false;
  std::optional<IpAddress> self_v4_masq_addr_for_this_peer;
  std::optional<IpAddress> self_v6_masq_addr_for_this_peer;
  bool is_wireguard_only = false;
  bool is_jailed = false;
  std::vector<Resolver> exit_node_dns_resolvers;
  friend bool operator==(const Node&, const Node&) = default;
};

// Absent members leave the node as it is.
struct PeerChange {
  NodeId node_id{};
  RegionId derp_region = 0;                        // 0: unchanged
  int cap = 0;                                     // 0: unchanged
  std::optional<CapMap> cap_map;                   // {} clears
  std::optional<std::vector<Endpoint>> endpoints;  // [] clears
  std::optional<NodePublicKey> key;
  std::optional<Buffer> key_signature;  // empty clears
  std::optional<DiscoPublicKey> disco_key;
  std::optional<bool> online;
  std::optional<WallTime> last_seen;
  std::optional<std::optional<WallTime>> key_expiry;  // an inner nullopt is "never"
  friend bool operator==(const PeerChange&, const PeerChange&) = default;
};

struct UserProfile {
  UserId id{};
  std::string login_name, display_name, profile_pic_url;
  std::vector<std::string> groups;
  friend bool operator==(const UserProfile&, const UserProfile&) = default;
};

}  // namespace aya::control
