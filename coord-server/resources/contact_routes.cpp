// Whom to write to about a network (interfaces 1.8).
#include <algorithm>

#include "coord-server/api/json.h"
#include "coord-server/resources/handlers.h"
#include "coord-server/resources/mailing.h"

namespace aya::resources {
namespace {

using people::WaitingContact;
using people::kContactNames;
using store::ContactKind;

// The contact that a path names: of which network, and which one.
struct Named {
  const store::Account* account;
  ContactKind kind;
  const WaitingContact* waiting;  // nullptr: none does

  const std::string& in_force() const {
    return account->contacts[static_cast<std::size_t>(kind)];
  }
  const std::string& shown() const { return waiting != nullptr ? waiting->email : in_force(); }
};

Named contact(const AdminContext& c, const store::Account& account, ContactKind kind) {
  return {&account, kind, c.contacts.waiting(account.id, kind)};
}

Answer<Named> contact_in_path(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  const auto kind = std::ranges::find(kContactNames, c.path[1]);
  if (kind == kContactNames.end()) return ApiError::not_found("contact");
  return contact(c, **account, static_cast<ContactKind>(kind - kContactNames.begin()));
}

store::AuditEntry about(const AdminContext& c, const Named& named, std::string action) {
  store::AuditEntry entry = c.audit(std::move(action), "TAILNET");
  entry.account = named.account->id;
  entry.target_id = std::to_string(named.account->id.value);
  entry.target_name = named.account->name;
  entry.property = "CONTACT";
  return entry;
}

// Waits for being proven from now on; whether there is a mail with the link is another question.
Answer<http::Response> propose(
    const AdminContext& c, const Named& named, const std::string& email,
    const store::AuditEntry& entry) {
  const mail::OfContact purpose{named.account->id, named.kind};
  auto link = c.contacts.propose(purpose.account, purpose.kind, email, c.now, entry);
  if (!link) return ApiError::of(link.error());
  std::optional<ApiError> unsent;
  if (auto mailed = mail_contact_link(c, purpose, email, *link); !mailed) unsent = mailed.error();
  return made_answer(c, "{}", unsent);
}

}  // namespace

Answer<http::Response> get_contacts(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  Json out = Json::object();
  for (std::size_t i = 0; i < kContactNames.size(); ++i) {
    const Named named = contact(c, **account, static_cast<ContactKind>(i));
    Json& one = out[std::string(kContactNames[i])];
    one = {{"email", named.shown()}, {"needsVerification", named.waiting != nullptr}};
    if (named.waiting != nullptr && !named.in_force().empty()) {
      one["fallbackEmail"] = named.in_force();
    }
  }
  return http::Response::json(200, text_of(out));
}

Answer<http::Response> patch_contact(const AdminContext& c) {
  auto named = contact_in_path(c);
  if (!named) return named.error();
  auto body = body_object(c.request);
  if (!body) return body.error();
  const std::string before = named->shown();
  auto email = text_field(*body, "email", before);
  if (!email) return email.error();
  if (!email->empty() && !mail::is_address(*email)) {
    return ApiError::bad_request("email: want an e-mail address");
  }
  // What waits where no mail is sent any more, would wait for ever.
  const bool accepts = named->waiting != nullptr && body->contains("email") && !c.outbox.is_open();
  if (*email == before && !accepts) return http::Response::json(200, "{}");
  store::AuditEntry entry = about(c, *named, "UPDATE");
  entry.old_value = text_of({{c.path[1], before}});
  entry.new_value = text_of({{c.path[1], *email}});
  // Nobody has to prove that there is none, or again what has been proven.
  const bool proven = email->empty() || *email == named->in_force();
  if (!proven && c.outbox.is_open()) return propose(c, *named, *email, entry);
  if (auto set = c.contacts.set(named->account->id, named->kind, *email, entry); !set) {
    return ApiError::of(set.error());
  }
  return http::Response::json(200, "{}");
}

// With another link, because of the last one only its hash is known.
Answer<http::Response> resend_contact_mail(const AdminContext& c) {
  auto named = contact_in_path(c);
  if (!named) return named.error();
  if (named->waiting == nullptr) return ApiError::conflict("no address waits for being verified");
  const std::string email = named->waiting->email;
  const mail::Letter meant{
      mail::OfContact{named->account->id, named->kind}, email, {}, {}, named->account->id};
  if (const auto refusal = c.outbox.would_refuse(meant, c.now)) return no_mail(*refusal);
  store::AuditEntry entry = about(c, *named, "RESEND");
  entry.new_value = text_of({{c.path[1], email}});
  return propose(c, *named, email, entry);
}

}  // namespace aya::resources
