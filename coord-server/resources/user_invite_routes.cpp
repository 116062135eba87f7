// Invitations of people (interfaces 1.8): a link each, by which somebody becomes a user.
#include "coord-server/api/json.h"
#include "coord-server/people/login_name.h"
#include "coord-server/resources/handlers.h"
#include "coord-server/resources/mailing.h"
#include "proto/base/parse_number.h"

namespace aya::resources {
namespace {

using people::UserInvite;
using people::UserInviteId;

Json invite_json(const AdminContext& c, const UserInvite& invite) {
  Json out = {
      {"id", std::to_string(invite.id.value)},
      {"role", invite.role},
      {"tailnetId", invite.account.value},
      {"inviterId", invite.inviter.value},
      {"email", invite.email},
      {"lastEmailSentAt", invite.mailed ? to_rfc3339(*invite.mailed) : std::string(kZeroTimeText)},
      {"created", to_rfc3339(invite.created)},
      {"expires", to_rfc3339(invite.expires)},
      {"inviteUrl", user_invite_url(c, invite)}};
  if (c.outbox.has(invite.id)) out["emailWaiting"] = true;
  return out;
}

Answer<const UserInvite*> invite_in_path(const AdminContext& c) {
  const auto id = parse_number<decltype(UserInviteId::value)>(c.path[0]);
  const UserInvite* invite = id ? c.invitations.find(UserInviteId{*id}, c.now) : nullptr;
  if (invite == nullptr || !c.caller.may_see(invite->account)) {
    return ApiError::not_found("user invite");
  }
  return invite;
}

Answer<UserInvite> wish_of(const AdminContext& c, const store::Account& account, const Json& body) {
  if (!body.is_object()) return ApiError::bad_request("want an array of objects");
  auto role = text_field(body, "role", "member");
  if (!role) return role.error();
  if (!people::is_role(*role)) {
    return ApiError::bad_request("role: " + std::string(people::kRolesText));
  }
  if (auto may = c.may_give_role(*role); !may) return may.error();
  auto email = text_field(body, "email");
  if (!email) return email.error();
  if (!email->empty() && !mail::is_address(*email)) {
    return ApiError::bad_request("email: want an e-mail address");
  }
  UserInvite wish;
  wish.account = account.id;
  wish.inviter = c.caller.user;
  wish.role = *role;
  wish.email = *email;
  return wish;
}

store::AuditEntry about(const AdminContext& c, const UserInvite& invite, std::string action) {
  store::AuditEntry entry = c.audit(std::move(action), "USER_INVITE");
  entry.account = invite.account;
  entry.target_name = invite.email;
  entry.new_value = text_of({{"role", invite.role}, {"email", invite.email}});
  return entry;
}

}  // namespace

Answer<http::Response> list_user_invites(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  Json out = Json::array();
  for (const UserInvite* invite : c.invitations.of((*account)->id, c.now)) {
    out.push_back(invite_json(c, *invite));
  }
  return http::Response::json(200, text_of(out));
}

// A program cannot invite: whoever comes asks the inviter who that was.
Answer<http::Response> create_user_invites(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  if (!c.caller.is_person()) return ApiError::forbidden("only a person can invite somebody");
  const Json body = Json::parse(as_text(c.request.body), nullptr, false);
  if (!body.is_array()) return ApiError::bad_request("want an array of objects");
  std::vector<UserInvite> wishes;
  std::vector<store::AuditEntry> audit;
  for (const Json& one : body) {
    auto wish = wish_of(c, **account, one);
    if (!wish) return wish.error();
    audit.push_back(about(c, *wish, "INVITE"));
    wishes.push_back(std::move(*wish));
  }
  const std::size_t open = c.invitations.of((*account)->id, c.now).size();
  if (open + wishes.size() > people::Invitations::kMostOfAccount) {
    return ApiError::conflict(
        "at most " + std::to_string(people::Invitations::kMostOfAccount) +
        " open invitations; take others back first");
  }
  auto made = c.invitations.create(std::move(wishes), audit, c.now);
  if (!made) return ApiError::of(made.error());
  Json out = Json::array();
  std::optional<ApiError> unsent;
  for (const UserInvite& invite : *made) {
    if (!invite.email.empty()) {
      if (auto mailed = mail_invite(c, invite); !mailed) unsent = mailed.error();
    }
    out.push_back(invite_json(c, invite));
  }
  return made_answer(c, text_of(out), unsent);
}

Answer<http::Response> get_user_invite(const AdminContext& c) {
  auto invite = invite_in_path(c);
  if (!invite) return invite.error();
  return http::Response::json(200, text_of(invite_json(c, **invite)));
}

Answer<http::Response> delete_user_invite(const AdminContext& c) {
  auto invite = invite_in_path(c);
  if (!invite) return invite.error();
  store::AuditEntry entry = about(c, **invite, "DELETE");
  entry.target_id = std::to_string((*invite)->id.value);
  std::swap(entry.old_value, entry.new_value);
  if (auto gone = c.invitations.take_back((*invite)->id, entry); !gone) {
    return ApiError::of(gone.error());
  }
  return http::Response::json(200, "{}");
}

Answer<http::Response> resend_user_invite(const AdminContext& c) {
  auto invite = invite_in_path(c);
  if (!invite) return invite.error();
  if (auto mailed = mail_invite(c, **invite); !mailed) return mailed.error();
  store::AuditEntry entry = about(c, **invite, "RESEND");
  entry.target_id = std::to_string((*invite)->id.value);
  if (auto noted = c.registry.note(entry); !noted) return ApiError::of(noted.error());
  return http::Response::json(200, "{}");
}

}  // namespace aya::resources
