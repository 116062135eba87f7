// Machines of other accounts that the policy of an account has to know: those shared to it, and the
// guests at machines that it shares. Who they are is another room's business (sharing); here they
// are devices that no tag and no person of the account's own stands for.
#pragma once

#include "coord-server/nodes/registry.h"

namespace aya::policy {

struct Stranger {
  nodes::NodeId node;
  IpAddress ipv4;                         // as the account knows it
  std::optional<nodes::UserId> guest_of;  // for whom it is a guest; absent: it is shared to us
  bool may_carry = false;                 // shared to us, for use as an exit node, too
};

class Strangers {
 public:
  virtual ~Strangers() = default;
  virtual std::vector<Stranger> strangers_in(nodes::AccountId account) const = 0;
  // Since when that list is what it is.
  virtual nodes::Version strangers_changed(nodes::AccountId account) const = 0;
};

}  // namespace aya::policy
