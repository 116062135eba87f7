#include "coord-server/people/invitations.h"

#include "coord-server/enroll/invite_code.h"

namespace aya::people {

store::Stored<std::unique_ptr<Invitations>> Invitations::load(
    nodes::Registry& registry, store::Store& storage, Rng& rng) {
  std::unique_ptr<Invitations> out(new Invitations(registry, storage, rng));
  auto secret = enroll::load_invite_secret(storage, "user_invite_secret", rng);
  if (!secret) return secret.error();
  out->secret_ = *secret;
  auto rows = storage.user_invites();
  if (!rows) return rows.error();
  for (UserInvite& row : *rows) out->keep(std::move(row));
  return out;
}

void Invitations::keep(UserInvite invite) {
  by_code_.emplace(code_of(invite), invite.id);
  invites_.insert_or_assign(invite.id, std::move(invite));
}

// The store forgets the invitations of people and networks that are gone; they stand here until
// the next start.
bool Invitations::stands(const UserInvite& invite, WallTime now) const {
  return invite.expires > now && registry_.user(invite.inviter) != nullptr &&
         registry_.account(invite.account) != nullptr;
}

std::vector<const UserInvite*> Invitations::of(store::AccountId account, WallTime now) const {
  std::vector<const UserInvite*> out;
  for (const auto& [id, invite] : invites_) {
    if (invite.account == account && stands(invite, now)) out.push_back(&invite);
  }
  return out;
}

const UserInvite* Invitations::find(UserInviteId id, WallTime now) const {
  const auto found = invites_.find(id);
  return found != invites_.end() && stands(found->second, now) ? &found->second : nullptr;
}

const UserInvite* Invitations::followed(std::string_view pasted, WallTime now) const {
  const auto code = enroll::code_in(pasted);
  const auto found = code ? by_code_.find(*code) : by_code_.end();
  return found == by_code_.end() ? nullptr : find(found->second, now);
}

std::string Invitations::code_of(const UserInvite& invite) const {
  return enroll::invite_code(secret_, invite.nonce);
}

store::Stored<std::vector<UserInvite>> Invitations::create(
    std::vector<UserInvite> wishes, const std::vector<store::AuditEntry>& audit, WallTime now) {
  for (UserInvite& wish : wishes) {
    wish.nonce = rng_.array<32>();
    wish.created = now;
    wish.expires = now + kLasts;
  }
  auto made = storage_.create_user_invites(std::move(wishes), audit);
  if (!made) return made;
  for (const UserInvite& invite : *made) keep(invite);
  return made;
}

store::Stored<void> Invitations::take_back(UserInviteId id, const store::AuditEntry& audit) {
  if (auto gone = storage_.delete_user_invite(id, audit); !gone) return gone;
  by_code_.erase(code_of(invites_.at(id)));
  invites_.erase(id);
  return {};
}

store::Stored<void> Invitations::note_mailed(UserInviteId id, WallTime when) {
  const auto found = invites_.find(id);
  if (found == invites_.end()) return {};  // used or taken back meanwhile
  if (auto noted = storage_.note_user_invite_mailed(id, when); !noted) return noted;
  found->second.mailed = when;
  return {};
}

// Whom an administrator invited needs nobody's approval any more.
store::Stored<store::User> Invitations::accept(
    const UserInvite& invite, std::string login, std::string display_name, store::FirstLogin how,
    store::AuditEntry audit, WallTime now) {
  store::User user;
  user.account = invite.account;
  user.display_name = display_name.empty() ? login : std::move(display_name);
  user.login = std::move(login);
  user.role = invite.role;
  user.created = now;
  how.invite = invite.id;
  const std::string code = code_of(invite);
  auto made = registry_.create_user(std::move(user), std::move(audit), how);
  if (!made) return made;
  by_code_.erase(code);
  invites_.erase(*how.invite);
  return made;
}

}  // namespace aya::people
