// What the coordinator remembers, as plain values: one struct per kind of row.
//
// Times are wall clock in UTC. An absent expiry means "never". Secrets of keys and tokens are held
// as SHA-256 only (interfaces 1.2): they are 256 random bits, so a fast hash is the right one.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proto/base/strong_id.h"
#include "proto/base/time.h"
#include "proto/control/dns_config.h"
#include "proto/control/map_request.h"
#include "proto/control/node.h"
#include "proto/keys/public_key.h"
#include "proto/netaddr/endpoint.h"
#include "proto/netaddr/prefix.h"

namespace aya::store {

// Row numbers, handed out once and never reused; all stay far below 2^53 (interfaces 1.1).
using AccountId = StrongId<struct AccountTag, std::int64_t>;
using control::NodeId;
using control::UserId;
using AuthKeyId = StrongId<struct AuthKeyTag, std::int64_t>;
using ApiTokenId = StrongId<struct ApiTokenTag, std::int64_t>;

using SecretHash = std::array<std::byte, 32>;

// How names are resolved in a network about which nobody has decided anything yet.
inline control::DnsConfig first_dns() {
  control::DnsConfig dns;
  dns.proxied = true;
  return dns;
}

// What an administrator decides for a whole network (interfaces 1.11). Fields without a comment are
// kept and shown and mean nothing here yet.
struct AccountSettings {
  bool devices_approval = false;  // new nodes wait for an administrator
  int devices_key_days = 180;     // how long a node key lasts
  bool users_approval = false;    // people who sign in for the first time wait for one, too
  bool policy_elsewhere = false;  // the policy file is kept at `policy_link`: editors only show it
  std::string policy_link;
  std::string users_may_join = "admin";  // other networks: "none", "admin", "member"
  bool auto_updates = false;
  bool flow_logging = false;
  bool regional_routing = false;
  bool posture_identity = false;
  bool https = false;
  friend bool operator==(const AccountSettings&, const AccountSettings&) = default;
};

// What somebody may write to a network about.
enum class ContactKind { Account, Support, Security };

// A network of its own: users, nodes, names and the whole of 100.64.0.0/10.
struct Account {
  AccountId id;
  std::string name;    // "default"
  std::string domain;  // "default.ayatori.internal": what follows the first label of node names
  WallTime created{};
  // As nodes are told it, but for what follows from the nodes themselves: the network's own domain,
  // and addresses of the nodes that records of type CNAME stand for. Name servers are `resolvers`
  // where they replace the node's own, and `fallback_resolvers` where they do not.
  control::DnsConfig dns = first_dns();
  AccountSettings settings = {};
  // Whom to write to, as e-mail addresses, by ContactKind.
  std::array<std::string, 3> contacts = {};
  std::string policy = {};  // as somebody wrote it; empty: the one accounts begin with
};

// As the API and the audit log write it: a letter first, as programs that make names of it need.
inline std::string to_text(UserId id) { return 'u' + std::to_string(id.value); }

struct User {
  UserId id;
  AccountId account;
  std::string login;  // unique in the account
  std::string display_name;
  std::string role;  // "owner", "admin", "member", … (interfaces 6.4)
  WallTime created{};
  std::string status = "active";  // "suspended", "needs-approval"
};

// An endpoint as a node announced it: where, and how it came to know (control 6.3).
struct KnownEndpoint {
  Endpoint at;
  control::EndpointType type = control::EndpointType::Unknown;
  friend bool operator==(const KnownEndpoint&, const KnownEndpoint&) = default;
};

// The part of a node that follows its daemon around and may be rewritten many times an hour. It is
// saved some time after it changed: a daemon that reconnects brings it along anyway.
struct NodeLive {
  DiscoPublicKey disco_key;  // zero: not heard yet
  std::vector<KnownEndpoint> endpoints;
  RegionId home_region = 0;  // 0: not known yet
  int capver = 0;            // of its last request
  control::Hostinfo hostinfo;
  std::optional<WallTime> last_seen;
  bool forwarding_off = false;  // it offers routes, and its system forwards nothing
  // What it carries for all: of several routers for one prefix the one in use, kept so that a
  // restart of the server moves nothing. Chosen by the registry, never by the daemon.
  std::vector<Prefix> primary_routes;
  friend bool operator==(const NodeLive&, const NodeLive&) = default;
};

// Something an administrator or a program says about a node ("custom:team"), for posture checks.
struct NodeAttribute {
  std::string value;  // JSON: a text, a number, true or false
  std::optional<WallTime> expiry;
  std::string comment;
  friend bool operator==(const NodeAttribute&, const NodeAttribute&) = default;
};

// An address that a node was moved away from and answers at until then all the same.
struct FormerAddress {
  IpAddress address;
  WallTime until{};
  friend bool operator==(const FormerAddress&, const FormerAddress&) = default;
};

// A node as somebody who runs a plain WireGuard device entered it there.
struct WireguardClient {
  NodePublicKey key;                    // the node's at that time: with another it is a stranger
  std::optional<IpAddress> ipv4, ipv6;  // given to it there; absent: the device knows its own
  friend bool operator==(const WireguardClient&, const WireguardClient&) = default;
};

// What makes a node a plain WireGuard device: a router, or the server of a company that sells
// exits. It never comes here; what its record says is what administrators say, endpoints among it.
struct WireguardDevice {
  NodePublicKey key;                          // unique in the account, not over accounts
  std::vector<IpAddress> resolvers;           // asked by who has it for exit node
  bool clients_only = false;                  // it knows nobody but `clients`
  std::map<NodeId, WireguardClient> clients;  // nodes of the same account

  bool knows(NodeId node, const NodePublicKey& with) const {
    const auto client = clients.find(node);
    return client == clients.end() ? !clients_only : client->second.key == with;
  }
  friend bool operator==(const WireguardDevice&, const WireguardDevice&) = default;
};

struct NodeRecord {
  NodeId id;
  AccountId account;
  UserId user;                        // who let it in, and whose it is unless it has tags
  std::string stable_id;              // "n…CNTRL"
  MachinePublicKey machine;           // with `account`, the identity of a node
  NodePublicKey node_key;             // rotates; unique over all accounts; see shown_key()
  std::string label;                  // first label of its name, unique in the account
  bool label_is_chosen = false;       // by an administrator: the host name no longer matters
  IpAddress ipv4;                     // unique in the account
  IpAddress ipv6;                     // unique over all accounts
  std::vector<FormerAddress> former;  // changed by Store::change_addresses alone
  bool ephemeral = false;
  bool authorized = true;
  WallTime created{};
  std::optional<WallTime> key_expiry;
  // Routes that an administrator or the policy lets it carry, sorted; those it does not offer (yet)
  // included. What counts is nodes::effective_routes().
  std::vector<Prefix> approved_routes;
  bool answers_subdomains = false;  // everything below its name is itself
  std::vector<std::string> tags;    // "tag:web"; with any, it belongs to no person
  bool never_owned = false;         // had tags from the first: there is nobody to give it back to
  std::map<std::string, NodeAttribute> attributes;  // changed by set_attributes() alone
  std::optional<WireguardDevice> wireguard;  // then `machine` and `node_key` are nobody's
  NodeLive live;

  // As peers are told it. Other accounts may have the same company's server.
  const NodePublicKey& shown_key() const { return wireguard ? wireguard->key : node_key; }
};

// A freed address that nobody but its former holder may have before `until`: stale netmaps and DNS
// caches must not lead traffic for one machine to another.
struct Quarantine {
  AccountId account;
  IpAddress address;
  NodeId former;
  WallTime until{};
};

struct AuthKey {
  AuthKeyId id;
  std::string public_id;  // the readable middle of "aykey-auth-<public_id>-<secret>"
  AccountId account;
  UserId user;  // who will own the nodes
  SecretHash secret{};
  bool reusable = false;
  bool ephemeral = false;
  bool preauthorized = false;
  std::optional<IpAddress> ipv4;  // kept for the machine that comes with this key
  std::string description;
  WallTime created{};
  WallTime expires{};
  std::optional<WallTime> revoked;
  std::int64_t uses = 0;
  std::vector<std::string> tags;  // of the nodes it lets in
  std::string client;             // id of the OAuth client that made it; empty: `user` did

  bool spent() const { return !reusable && uses > 0; }
};

struct ApiToken {
  ApiTokenId id;
  std::string public_id;
  AccountId account;
  UserId user;
  SecretHash secret{};
  std::string description;
  WallTime created{};
  WallTime expires{};
  std::optional<WallTime> revoked;
};

// Over a line of the audit log and all before it (audit_chain.h).
using AuditHash = std::array<std::byte, 32>;

// One line of the audit log (interfaces 1.11), written in the transaction of the change itself.
struct AuditEntry {
  AccountId account;
  WallTime time{};
  std::string origin;       // "CONFIG_API", "CONTROL", "ADMIN_SOCKET"
  std::string actor;        // JSON object
  std::string action;       // "CREATE", "UPDATE", "DELETE", …
  std::string target_type;  // "NODE", "AUTH_KEY", …
  std::string target_id;
  std::string target_name;
  std::string property;   // "ADDRESS"; may be empty
  std::string old_value;  // JSON, or empty
  std::string new_value;  // JSON, or empty
  std::string details;    // for people
  std::string group;      // the request that caused it
  std::string source;     // address the request came from; empty where there was none
};

// Which lines of the audit log; an empty text means any.
struct AuditQuery {
  std::optional<WallTime> from, to;  // both included
  std::string actor;                 // id or login name
  std::string target;                // id or name
  std::string event;                 // "UPDATE", "NODE.UPDATE", "NODE.UPDATE.ADDRESS"
};

}  // namespace aya::store
