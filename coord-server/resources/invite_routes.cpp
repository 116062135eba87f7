// Sharing (interfaces 1.6): links that show one machine to another account, who followed them, and
// ending it from either side.
#include "coord-server/api/json.h"
#include "coord-server/resources/device_json.h"
#include "coord-server/resources/handlers.h"
#include "coord-server/resources/mailing.h"

namespace aya::resources {
namespace {

constexpr std::size_t kMostAtOnce = 100;

using sharing::DeviceInvite;
using sharing::InviteId;
using sharing::Share;

Json person_json(const store::User& user) {
  return {{"id", user.id.value}, {"loginName", user.login}, {"profilePicUrl", ""}};
}

Json invite_json(const AdminContext& c, const DeviceInvite& invite) {
  Json out = {
      {"id", std::to_string(invite.id.value)},
      {"created", to_rfc3339(invite.created)},
      {"expires", to_rfc3339(invite.expires)},
      {"tailnetId", invite.account.value},
      {"deviceId", invite.device.value},
      {"sharerId", invite.sharer.value},
      {"multiUse", invite.multi_use},
      {"allowExitNode", invite.allow_exit_node},
      {"inviteUrl", device_invite_url(c, invite)}};
  if (!invite.email.empty()) {
    out["email"] = invite.email;
    out["lastEmailSentAt"] =
        invite.mailed ? to_rfc3339(*invite.mailed) : std::string(kZeroTimeText);
  }
  if (c.outbox.has(invite.id)) out["emailWaiting"] = true;
  const auto accepted = c.sharing.acceptances(invite.id);
  out["accepted"] = !accepted.empty();
  if (!accepted.empty()) {
    out["acceptedBy"] = person_json(*c.registry.user(accepted.back()->accepted_by));
  }
  return out;
}

store::AuditEntry entry_about(
    const AdminContext& c, store::AccountId account, const nodes::Node& device, std::string action,
    std::string details) {
  return c.sharing.entry_about(
      device, account, c.audit(std::move(action), "INVITE"), std::move(details));
}

// Both sides read in their logs what happens between them.
std::vector<store::AuditEntry> entries_of(
    const AdminContext& c, const Share& share, const std::string& action,
    const std::string& details) {
  const nodes::Node& device = *c.registry.find(share.device);
  return {
      entry_about(c, device.account(), device, action, details),
      entry_about(c, share.account, device, action, details)};
}

const DeviceInvite* invite_named(const AdminContext& c, const std::string& id) {
  const bool number =
      !id.empty() && id.size() < 17 && id.find_first_not_of("0123456789") == std::string::npos;
  return number ? c.sharing.invite(InviteId{std::stoll(id)}) : nullptr;
}

// Of a device that the caller rules, as one of its account.
bool is_ours(const AdminContext& c, const DeviceInvite& invite) {
  const nodes::Node* device = c.registry.find(invite.device);
  return device != nullptr && device->account() == c.caller.account && c.may_see(*device);
}

Answer<const DeviceInvite*> own_invite(const AdminContext& c, const std::string& id) {
  const DeviceInvite* invite = invite_named(c, id);
  if (invite == nullptr || !is_ours(c, *invite)) return ApiError::not_found("invitation");
  return invite;
}

Answer<DeviceInvite> invite_from(const AdminContext& c, const Json& wish, const nodes::Node& node) {
  if (!wish.is_object()) return ApiError::bad_request("request body: want a list of objects");
  DeviceInvite invite;
  auto multi_use = flag_field(wish, "multiUse");
  if (!multi_use) return multi_use.error();
  auto exit_node = flag_field(wish, "allowExitNode");
  if (!exit_node) return exit_node.error();
  auto email = text_field(wish, "email");
  if (!email) return email.error();
  if (!email->empty() && !mail::is_address(*email)) {
    return ApiError::bad_request("email: want an e-mail address");
  }
  invite.account = node.account();
  invite.device = node.id();
  invite.sharer = c.caller.user;
  invite.multi_use = *multi_use;
  invite.allow_exit_node = *exit_node;
  invite.email = *email;
  invite.created = c.now;
  invite.expires = c.now + sharing::Sharing::kInviteLifetime;
  return invite;
}

ApiError refused(sharing::Offer::Obstacle obstacle) {
  switch (obstacle) {
    case sharing::Offer::Obstacle::OwnDevice:
      return ApiError::bad_request("the device belongs to this account already");
    case sharing::Offer::Obstacle::HaveIt:
      return ApiError::conflict("the device is shared with this account already");
    case sharing::Offer::Obstacle::Over:
      return ApiError::conflict("the invitation is used up or too old; ask for another one");
    default:
      return ApiError::not_found("invitation");
  }
}

Json shared_in_json(const AdminContext& c, const Share& share) {
  const nodes::Node& device = *c.registry.find(share.device);
  const DeviceInvite* invite = c.sharing.invite(share.invite);
  Json out = {
      {"id", std::to_string(share.invite.value)},
      {"nodeId", device.record.stable_id},
      {"name", c.registry.full_name(device)},
      {"allowExitNode", share.allow_exit_node},
      {"accepted", to_rfc3339(share.accepted)}};
  if (invite != nullptr) out["sharer"] = person_json(*c.registry.user(invite->sharer));
  if (const auto alias = c.registry.alias(share.account, share.device)) {
    out["address"] = alias->to_text();
  }
  return out;
}

}  // namespace

Answer<http::Response> list_device_invites(const AdminContext& c) {
  auto node = c.device(c.path[0]);
  if (!node) return node.error();
  Json out = Json::array();
  for (const DeviceInvite* invite : c.sharing.invites_for((*node)->id())) {
    out.push_back(invite_json(c, *invite));
  }
  return http::Response::json(200, text_of(out));
}

Answer<http::Response> create_device_invites(const AdminContext& c) {
  auto node = c.device(c.path[0]);
  if (!node) return node.error();
  if (!c.caller.is_person()) return ApiError::forbidden("a device can be shared by a user only");
  if ((*node)->record.wireguard) {
    return ApiError::bad_request(
        "a plain WireGuard device cannot be shared: it would not know devices of other networks");
  }
  const Json wishes = Json::parse(as_text(c.request.body), nullptr, false);
  if (!wishes.is_array() || wishes.empty() || wishes.size() > kMostAtOnce) {
    return ApiError::bad_request(
        "request body: want a list of 1 to " + std::to_string(kMostAtOnce) + " objects");
  }
  std::vector<DeviceInvite> invites;
  std::vector<store::AuditEntry> audit;
  for (const Json& wish : wishes) {
    auto invite = invite_from(c, wish, **node);
    if (!invite) return invite.error();
    audit.push_back(entry_about(
        c, (*node)->account(), **node, "CREATE",
        invite->allow_exit_node ? "with use as an exit node" : ""));
    invites.push_back(std::move(*invite));
  }
  auto created = c.sharing.create(std::move(invites), audit);
  if (!created) return ApiError::of(created.error());
  Json out = Json::array();
  std::optional<ApiError> unsent;
  for (const DeviceInvite* invite : *created) {
    if (!invite->email.empty()) {
      if (auto mailed = mail_invite(c, *invite); !mailed) unsent = mailed.error();
    }
    out.push_back(invite_json(c, *invite));
  }
  return made_answer(c, text_of(out), unsent);
}

Answer<http::Response> get_device_invite(const AdminContext& c) {
  auto invite = own_invite(c, c.path[0]);
  if (!invite) return invite.error();
  return http::Response::json(200, text_of(invite_json(c, **invite)));
}

// By who shares: the link and all that came of it. By who accepted: what came of it there.
Answer<http::Response> delete_device_invite(const AdminContext& c) {
  const DeviceInvite* invite = invite_named(c, c.path[0]);
  if (invite == nullptr) return ApiError::not_found("invitation");
  const auto accepted = c.sharing.acceptances(invite->id);
  store::Stored<void> done;
  if (is_ours(c, *invite)) {
    const nodes::Node& device = *c.registry.find(invite->device);
    std::vector<store::AuditEntry> audit = {
        entry_about(c, invite->account, device, "DELETE", "taken back")};
    for (const Share* share : accepted) {
      audit.push_back(entry_about(c, share->account, device, "DELETE", "taken back"));
    }
    done = c.sharing.withdraw(invite->id, audit);
  } else {
    const auto ours = std::ranges::find(accepted, c.caller.account, &Share::account);
    const bool may_end =
        ours != accepted.end() && (!c.caller.own_only || (*ours)->accepted_by == c.caller.user);
    if (!may_end) return ApiError::not_found("invitation");
    done = c.sharing.leave(**ours, entries_of(c, **ours, "DELETE", "left by who accepted it"));
  }
  if (!done) return ApiError::of(done.error());
  return http::Response::json(200, "{}");
}

Answer<http::Response> resend_device_invite(const AdminContext& c) {
  auto invite = own_invite(c, c.path[0]);
  if (!invite) return invite.error();
  if (auto mailed = mail_invite(c, **invite); !mailed) return mailed.error();
  const nodes::Node& device = *c.registry.find((*invite)->device);
  const auto entry = entry_about(c, (*invite)->account, device, "RESEND", "to " + (*invite)->email);
  if (auto noted = c.registry.note(entry); !noted) return ApiError::of(noted.error());
  return http::Response::json(200, "{}");
}

Answer<http::Response> accept_device_invite(const AdminContext& c) {
  if (!c.caller.is_person()) return ApiError::forbidden("only a user can accept an invitation");
  auto body = body_object(c.request);
  if (!body) return body.error();
  auto pasted = text_field(*body, "invite");
  if (!pasted) return pasted.error();
  const auto offer = c.sharing.offer(*pasted, c.caller.account, c.now);
  if (offer.obstacle != sharing::Offer::Obstacle::None) return refused(offer.obstacle);
  const DeviceInvite* invite = offer.invite;
  const nodes::Node* device = offer.device;
  const store::User& by = *c.registry.user(c.caller.user);
  auto done = c.sharing.accept(offer, by, c.audit("ACCEPT", "INVITE"), c.now);
  if (!done) return ApiError::of(done.error());
  return http::Response::json(
      200,
      text_of(
          {{"device", {{"id", device->record.stable_id}, {"name", c.registry.full_name(*device)}}},
           {"sharer", person_json(*c.registry.user(invite->sharer))},
           {"acceptedBy", person_json(*c.registry.user(c.caller.user))}}));
}

// An addition of ours: what an account shows to others, and what others show to it.
Answer<http::Response> list_shares(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  Json out = {{"out", Json::array()}, {"in", Json::array()}};
  for (const DeviceInvite* invite : c.sharing.invites_of((*account)->id)) {
    const nodes::Node* device = c.registry.find(invite->device);
    if (device == nullptr || !c.may_see(*device)) continue;
    Json& one = out["out"].emplace_back(invite_json(c, *invite));
    one["name"] = c.registry.full_name(*device);
    one["acceptances"] = c.sharing.acceptances(invite->id).size();
  }
  for (const Share* share : c.sharing.shares_to((*account)->id)) {
    out["in"].push_back(shared_in_json(c, *share));
  }
  return http::Response::json(200, text_of(out));
}

}  // namespace aya::resources
