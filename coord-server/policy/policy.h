// Who may talk to whom. The policy every account starts with lets each of its nodes reach every
// other, on every port, and what other nodes route (interfaces 5.1: an empty policy allows all).
//
// Two questions are asked of a policy: which peers belong in a node's map, and what its packet
// filter is. Both are answered per node, so that a policy with rules changes neither caller. Pure.
#pragma once

#include "coord-server/nodes/registry.h"

namespace aya::policy {

class Policy : public nodes::TagOwners {
 public:
  // Symmetric: a node is shown to whoever it may reach or may be reached by (control 7.2). Nodes
  // that wait for approval see nobody and are seen by nobody.
  bool may_meet(const nodes::Node& viewer, const nodes::Node& peer) const;

  // Without a policy file: owners and administrators own every tag, nobody else any.
  bool defines(store::AccountId account, std::string_view tag) const override;
  bool owns(const store::User& user, std::string_view tag) const override;
  bool owns(store::AccountId account, std::span<const std::string> held, std::string_view tag)
      const override;
};

}  // namespace aya::policy
