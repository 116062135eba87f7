// Enrollment: what /machine/register decides (control 4.3, 6.1, 9.1, 9.3 - 9.5). A machine is let
// in by auth key, comes back after a restart, renews its node key, or logs out.
//
// The Noise connection has proven the machine key; the node key of a request is only a claim. A
// node is a machine in an account: re-login and key rotation keep its number, name and addresses.
//
// One thread, so two requests of one machine cannot make two nodes.
#pragma once

#include "coord-server/enroll/auth_keys.h"
#include "coord-server/nodes/address_pool.h"
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

class Enrollment {
 public:
  struct Outcome {
    control::RegisterResponse response;
    std::optional<NodeId> node;     // registered: exists and may ask for a map
    std::optional<NodeId> deleted;  // an ephemeral node that logged out
  };

  static constexpr auto kKeyLifetime = std::chrono::days(180);

  // All outlive this.
  Enrollment(nodes::Registry& registry, store::Store& storage, Rng& rng)
      : registry_(registry), keys_(storage, rng), pool_(rng), rng_(rng) {}

  Result<Outcome, RegisterRefusal> register_node(
      const control::RegisterRequest& request, const MachinePublicKey& machine, WallTime now);

  // The label a node gets from its host name, unless a person has chosen one.
  std::string label_for(const control::Hostinfo& hostinfo, const nodes::NodeRecord& node) const;

 private:
  Result<Outcome, RegisterRefusal> log_out(const Node* node, WallTime now);
  Result<Outcome, RegisterRefusal> welcome_back(
      const Node& node, const control::RegisterRequest& request, WallTime now);
  Result<Outcome, RegisterRefusal> admit_by_key(
      const control::RegisterRequest& request, const MachinePublicKey& machine, WallTime now);
  store::Stored<const Node*> renew(
      const Node& node, const control::RegisterRequest& request, const store::AuthKey& key,
      WallTime now);
  store::Stored<const Node*> create(
      const control::RegisterRequest& request, const MachinePublicKey& machine,
      const store::AuthKey& key, WallTime now);
  Outcome accepted(const Node& node) const;

  nodes::Registry& registry_;
  AuthKeys keys_;
  nodes::AddressPool pool_;
  Rng& rng_;
};

}  // namespace aya::enroll
