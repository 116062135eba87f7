#include "coord-server/policy/policy.h"

namespace aya::policy {

bool Policy::may_meet(const nodes::Node& viewer, const nodes::Node& peer) const {
  return viewer.account() == peer.account() && viewer.id() != peer.id() &&
         viewer.record.authorized && peer.record.authorized;
}

}  // namespace aya::policy
