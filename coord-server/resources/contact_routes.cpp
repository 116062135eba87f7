// Whom to write to about a network (interfaces 1.8), and lists of things that networks here never
// have (1.13), which tools ask for all the same.
#include <algorithm>
#include <array>

#include "coord-server/api/json.h"
#include "coord-server/resources/handlers.h"

namespace aya::resources {
namespace {

constexpr std::array<std::string_view, 3> kContacts = {"account", "support", "security"};

bool is_address(const std::string& text) {
  const std::size_t at = text.find('@');
  return at != 0 && at != std::string::npos && at + 1 < text.size() && text.size() <= 254 &&
         std::ranges::none_of(text, [](unsigned char ch) { return ch <= ' ' || ch == 0x7f; });
}

http::Response empty_list(const char* name) {
  return http::Response::json(200, text_of({{name, Json::array()}}));
}

}  // namespace

// This server sends no mail, so no address waits for being proven.
Answer<http::Response> get_contacts(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  Json out = Json::object();
  for (std::size_t i = 0; i < kContacts.size(); ++i) {
    out[std::string(kContacts[i])] = {
        {"email", (*account)->contacts[i]}, {"needsVerification", false}};
  }
  return http::Response::json(200, text_of(out));
}

Answer<http::Response> patch_contact(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  const auto kind = std::ranges::find(kContacts, c.path[1]);
  if (kind == kContacts.end()) return ApiError::not_found("contact");
  auto body = body_object(c.request);
  if (!body) return body.error();
  auto contacts = (*account)->contacts;
  std::string& contact = contacts[static_cast<std::size_t>(kind - kContacts.begin())];
  const std::string before = contact;
  auto email = text_field(*body, "email", before);
  if (!email) return email.error();
  if (!email->empty() && !is_address(*email)) {
    return ApiError::bad_request("email: want an e-mail address");
  }
  if (*email == before) return http::Response::json(200, "{}");
  contact = *email;
  store::AuditEntry entry = c.audit("UPDATE", "TAILNET");
  entry.account = (*account)->id;
  entry.target_id = std::to_string((*account)->id.value);
  entry.target_name = (*account)->name;
  entry.property = "CONTACT";
  entry.old_value = text_of({{c.path[1], before}});
  entry.new_value = text_of({{c.path[1], *email}});
  if (auto stored = c.registry.set_contacts((*account)->id, contacts, entry); !stored) {
    return ApiError::of(stored.error());
  }
  return http::Response::json(200, "{}");
}

Answer<http::Response> list_integrations(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  return empty_list("integrations");
}

}  // namespace aya::resources
