// Links by which somebody becomes a user of a network (interfaces 1.8): who may come, and as what.
// One is good for one person; the link is a bearer secret.
//
// Changes go to the store first. One thread.
#pragma once

#include <map>
#include <memory>

#include "coord-server/nodes/registry.h"
#include "proto/base/rng.h"

namespace aya::people {

using store::UserInvite;
using store::UserInviteId;

class Invitations {
 public:
  static constexpr auto kLasts = std::chrono::days(30);
  static constexpr std::size_t kMostOfAccount = 100;

  // Both outlive this.
  static store::Stored<std::unique_ptr<Invitations>> load(
      nodes::Registry& registry, store::Store& storage, Rng& rng);

  // Those that may still be followed, oldest first.
  std::vector<const UserInvite*> of(store::AccountId account, WallTime now) const;
  const UserInvite* find(UserInviteId id, WallTime now) const;
  // By what a person pastes or opens; nullptr: used, taken back, over, or never given out.
  const UserInvite* followed(std::string_view code, WallTime now) const;
  std::string code_of(const UserInvite& invite) const;

  // Account, inviter, role and e-mail address of each are given; one audit entry for each.
  store::Stored<std::vector<UserInvite>> create(
      std::vector<UserInvite> wishes, const std::vector<store::AuditEntry>& audit, WallTime now);
  store::Stored<void> take_back(UserInviteId id, const store::AuditEntry& audit);
  // A mail server took a mail about it.
  store::Stored<void> note_mailed(UserInviteId id, WallTime when);
  // The new user. Account, role and status come from the invitation; `how` says how that one signs
  // in from now on. Taken: the login is somebody else's; Spent: somebody was faster.
  store::Stored<store::User> accept(
      const UserInvite& invite, std::string login, std::string display_name, store::FirstLogin how,
      store::AuditEntry audit, WallTime now);

 private:
  Invitations(nodes::Registry& registry, store::Store& storage, Rng& rng)
      : registry_(registry), storage_(storage), rng_(rng) {}
  bool stands(const UserInvite& invite, WallTime now) const;
  void keep(UserInvite invite);

  nodes::Registry& registry_;
  store::Store& storage_;
  Rng& rng_;
  store::SecretHash secret_{};
  std::map<UserInviteId, UserInvite> invites_;
  std::map<std::string, UserInviteId, std::less<>> by_code_;
};

}  // namespace aya::people
