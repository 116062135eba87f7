#include "coord-server/resources/mailing.h"

namespace aya::resources {
namespace {

using api::AdminContext;
using api::Answer;
using api::ApiError;

mail::Person person(const AdminContext& c, store::UserId id) {
  const store::User* user = c.registry.user(id);
  return user == nullptr ? mail::Person{} : mail::Person{user->login, user->display_name};
}

Answer<void> put(const AdminContext& c, mail::Letter letter) {
  auto taken = c.outbox.put(std::move(letter), c.now);
  if (!taken) return no_mail(taken.error());
  return {};
}

}  // namespace

ApiError no_mail(const mail::Outbox::Refusal& refusal) {
  using Why = mail::Outbox::Refusal::Why;
  switch (refusal.why) {
    case Why::NoSender:
      return {501, "this server sends no mail: smtp_url is not set in its configuration"};
    case Why::NoAddress:
      return ApiError::bad_request("there is no e-mail address to write to");
    case Why::TooOften:
      return {429, "too many mails went there lately; try again later", refusal.wait};
    case Why::Full:
      break;
  }
  return {503, "too many mails wait for the mail server; try again later"};
}

std::string user_invite_url(const AdminContext& c, const people::UserInvite& invite) {
  return c.facts.server_url + "/join/" + c.invitations.code_of(invite);
}

std::string device_invite_url(const AdminContext& c, const sharing::DeviceInvite& invite) {
  return c.facts.server_url + "/admin/invite/" + c.sharing.code_of(invite);
}

Answer<void> mail_invite(const AdminContext& c, const people::UserInvite& invite) {
  return put(
      c, mail::user_invite(
             invite.id, invite.account, invite.email, person(c, invite.inviter),
             c.registry.account(invite.account)->domain, invite.role,
             {user_invite_url(c, invite), invite.expires}));
}

Answer<void> mail_invite(const AdminContext& c, const sharing::DeviceInvite& invite) {
  return put(
      c, mail::device_invite(
             invite.id, invite.account, invite.email, person(c, invite.sharer),
             c.registry.full_name(*c.registry.find(invite.device)), invite.allow_exit_node,
             {device_invite_url(c, invite), invite.expires}));
}

Answer<void> mail_contact_link(
    const AdminContext& c, const mail::OfContact& contact, const std::string& to,
    const people::Contacts::Link& link) {
  // An earlier link is good no more: nobody should be sent it.
  c.outbox.keep_only([&](const mail::Purpose& other) { return other != mail::Purpose(contact); });
  return put(
      c, mail::contact_proof(
             contact, to, c.registry.account(contact.account)->domain,
             {c.facts.server_url + "/contact/" + link.token, link.until}));
}

http::Response made_answer(
    const AdminContext& c, std::string body, const std::optional<ApiError>& unsent) {
  http::Response response = http::Response::json(200, std::move(body));
  if (unsent && c.outbox.is_open()) {
    response.headers.set("Warning", "not mailed: " + unsent->message);
  }
  return response;
}

}  // namespace aya::resources
