// What is mailed because of a request: the letter about a thing, put into the outbox. The refusal
// says why there is no mail; the thing itself stands all the same.
#pragma once

#include "coord-server/api/admin_context.h"

namespace aya::resources {

api::Answer<void> mail_invite(const api::AdminContext& c, const people::UserInvite& invite);
api::Answer<void> mail_invite(const api::AdminContext& c, const sharing::DeviceInvite& invite);
api::Answer<void> mail_contact_link(
    const api::AdminContext& c, const mail::OfContact& contact, const std::string& to,
    const people::Contacts::Link& link);
api::ApiError no_mail(const mail::Outbox::Refusal& refusal);

std::string user_invite_url(const api::AdminContext& c, const people::UserInvite& invite);
std::string device_invite_url(const api::AdminContext& c, const sharing::DeviceInvite& invite);

// The answer to a request that made something to be mailed: where mail is sent and this was not,
// its Warning says why.
http::Response made_answer(
    const api::AdminContext& c, std::string body, const std::optional<api::ApiError>& unsent);

}  // namespace aya::resources
