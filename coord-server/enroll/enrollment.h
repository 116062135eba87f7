// Enrollment: what /machine/register decides (control 4.3, 6.1, 9.1, 9.3 - 9.5). A machine is let
// in by auth key or by a person, comes back after a restart, renews its node key, or logs out.
//
// The Noise connection has proven the machine key; the node key of a request is only a claim. A
// node is a machine in an account: re-login and key rotation keep its number, name and addresses.
//
// One thread, so two requests of one machine cannot make two nodes.
#pragma once

#include "coord-server/enroll/auth_keys.h"
#include "coord-server/enroll/logins.h"
#include "coord-server/nodes/address_allocator.h"
#include "coord-server/nodes/registry.h"
#include "proto/control/register.h"

namespace aya::enroll {

using nodes::Node;
using store::NodeId;

// A request that gets an HTTP status instead of an answer. Clients do not show these to people:
// only for what no person can act on.
struct RegisterRefusal {
  int status = 400;
  std::string text;
};

// On whose word a machine is let in.
struct Admission {
  store::AccountId account;
  store::UserId user;
  bool ephemeral = false;
  std::vector<std::string> tags;  // what it will be, without a person who owns it
  bool by_program = false;        // no person's right to give tags stands behind it
  bool preauthorized = false;     // needs no approval, should the account ask for one
  std::optional<store::AuthKeyId> key;
  std::optional<IpAddress> kept_ipv4;  // what the key reserves, for a machine that is new
  std::string how;                     // for the audit log: "auth key kAbc…CNTRL"
  // By whom, if not by the machine itself; what it is about is filled in.
  std::optional<store::AuditEntry> by;

  static Admission by_key(const store::AuthKey& key);
};

class Enrollment {
 public:
  struct Outcome {
    control::RegisterResponse response;
    std::optional<NodeId> node;           // registered: exists and may ask for a map
    std::optional<NodeId> deleted;        // an ephemeral node that logged out
    std::optional<std::string> waits_on;  // a login: its answer is the answer to this request
  };

  // All outlive this.
  Enrollment(
      nodes::Registry& registry, store::Store& storage, const nodes::TagOwners& tag_owners,
      Logins& logins, Rng& rng)
      : registry_(registry),
        logins_(logins),
        keys_(storage, rng),
        tag_owners_(tag_owners),
        addresses_(registry, storage, rng),
        rng_(rng) {}

  Result<Outcome, RegisterRefusal> register_node(
      const control::RegisterRequest& request, const MachinePublicKey& machine, WallTime now);

  // Lets the machine of a login in; all that wait for it are told.
  Result<const Node*, std::string> approve(
      const PendingLogin& login, const Admission& admission, WallTime now);

  // A plain WireGuard device, which an administrator vouches for: account, user, tags, label,
  // routes and what it is are in the record. Without `kept` it gets an address of its pool.
  store::Stored<const Node*> admit_plain(
      nodes::NodeRecord record, const std::optional<IpAddress>& kept, store::AuditEntry audit,
      WallTime now);

  Logins& logins() { return logins_; }
  // Ephemeral nodes that approve() let in since the last call: they may never come.
  std::vector<NodeId> take_ephemeral() { return std::exchange(ephemeral_, {}); }

  // The tags a node gets that asks for some (--advertise-tags) and is let in by `giver`; all it
  // asks for, or a refusal.
  Result<std::vector<std::string>, nodes::TagRefusal> tags_for(
      const control::RegisterRequest& request, const nodes::TagGiver& giver) const;

  // How long a node key of this network lasts.
  std::chrono::hours key_lifetime(store::AccountId account) const;

  // Which addresses new nodes get.
  nodes::AddressAllocator& addresses() { return addresses_; }

  // The label a node gets from its host name, unless a person has chosen one.
  std::string label_for(const control::Hostinfo& hostinfo, const nodes::NodeRecord& node) const;

 private:
  Result<Outcome, RegisterRefusal> log_out(const Node* node, WallTime now);
  Result<Outcome, RegisterRefusal> welcome_back(
      const Node& node, const control::RegisterRequest& request, WallTime now);
  Result<Outcome, RegisterRefusal> admit_by_key(
      const control::RegisterRequest& request, const MachinePublicKey& machine, WallTime now);
  Outcome wait_for_person(
      const control::RegisterRequest& request, const MachinePublicKey& machine, WallTime now);
  Result<const Node*, std::string> admit(
      const control::RegisterRequest& request, const MachinePublicKey& machine,
      const Admission& admission, WallTime now);
  store::Stored<const Node*> renew(
      const Node& node, const control::RegisterRequest& request, const Admission& admission,
      std::vector<std::string> tags, WallTime now);
  store::Stored<const Node*> create(
      const control::RegisterRequest& request, const MachinePublicKey& machine,
      const Admission& admission, std::vector<std::string> tags, WallTime now);
  std::optional<WallTime> key_expiry(const nodes::NodeRecord& node, WallTime now) const;
  store::Stored<IpAddress> ipv4_for(
      const nodes::NodeRecord& node, const Admission& admission, WallTime now);
  Outcome accepted(const Node& node) const;

  nodes::Registry& registry_;
  Logins& logins_;
  AuthKeys keys_;
  const nodes::TagOwners& tag_owners_;
  nodes::AddressAllocator addresses_;
  Rng& rng_;
  std::vector<NodeId> ephemeral_;
};

}  // namespace aya::enroll
