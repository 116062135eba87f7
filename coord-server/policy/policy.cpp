#include "coord-server/policy/policy.h"

namespace aya::policy {

bool Policy::may_meet(const nodes::Node& viewer, const nodes::Node& peer) const {
  return viewer.account() == peer.account() && viewer.id() != peer.id() &&
         viewer.record.authorized && peer.record.authorized;
}

bool Policy::defines(store::AccountId, std::string_view) const { return true; }

bool Policy::owns(const store::User& user, std::string_view) const {
  return user.role == "owner" || user.role == "admin";
}

bool Policy::owns(store::AccountId, std::span<const std::string>, std::string_view) const {
  return false;
}

}  // namespace aya::policy
