#include "coord-server/resources/oauth_clients.h"

#include <algorithm>

#include "coord-server/resources/federated_identities.h"

namespace aya::resources {
namespace {

// Whoever makes nodes or keys by such a scope makes them for the network, so they need tags.
constexpr const char* kNeedTags[] = {"devices:core", "auth_keys"};

bool is_plain_description(const std::string& text) {
  return std::ranges::all_of(text, [](unsigned char ch) {
    return (ch < 0x80 && std::isalnum(ch)) || ch == ' ' || ch == '-' || ch == '_';
  });
}

struct ClientWish {
  std::vector<std::string> scopes;
  std::vector<std::string> tags;
  std::string description;
};

// Known scopes, and none that the caller does not have.
Answer<std::vector<std::string>> read_scopes(const AdminContext& c, const Json& body) {
  auto words = texts_field(body, "scopes");
  if (!words) return words.error();
  if (words->empty()) return ApiError::bad_request("scopes: want at least one");
  std::vector<std::string> out;
  for (const std::string& word : *words) {
    const std::string scope = canonical_scope(word);
    if (scope.empty()) return ApiError::bad_request("scopes: unknown scope " + in_quotes(word));
    if (auto may = require(c.caller, scope); !may) return may.error();
    if (std::ranges::find(out, scope) == out.end()) out.push_back(scope);
  }
  return out;
}

Answer<ClientWish> read_client(const AdminContext& c, const Json& body, store::AccountId account) {
  auto description = read_description(body);
  if (!description) return description.error();
  auto scopes = read_scopes(c, body);
  if (!scopes) return scopes.error();
  auto tags = texts_field(body, "tags");
  if (!tags) return tags.error();
  if (auto may = c.may_give(account, *tags); !may) return may.error();
  for (const char* scope : kNeedTags) {
    if (std::ranges::find(*scopes, scope) == scopes->end() || !tags->empty()) continue;
    return ApiError::bad_request("scope \"" + std::string(scope) + "\" needs at least one tag");
  }
  return ClientWish{std::move(*scopes), nodes::in_order(std::move(*tags)), std::move(*description)};
}

store::OAuthClient client_of(const AdminContext& c, ClientWish wish, store::AccountId account) {
  store::OAuthClient client;
  client.account = account;
  client.user = c.caller.user;
  client.scopes = std::move(wish.scopes);
  client.tags = std::move(wish.tags);
  client.description = std::move(wish.description);
  return client;
}

// What the audit log says of it.
std::string rights_of(const store::OAuthClient& client) {
  Json out = {{"scopes", client.scopes}, {"tags", client.tags}};
  if (client.federation) show_federation(*client.federation, out);
  return text_of(out);
}

const char* target_type(const store::OAuthClient& client) {
  return client.federation ? "FEDERATED_IDENTITY" : "OAUTH_CLIENT";
}

}  // namespace

Answer<std::string> read_description(const Json& body) {
  auto description = text_field(body, "description");
  if (!description) return description.error();
  if (!is_plain_description(*description)) {
    return ApiError::bad_request(
        "description: only letters, digits, spaces, hyphens and underscores");
  }
  if (description->size() > 50) return ApiError::bad_request("description: at most 50 characters");
  return *description;
}

Json client_json(const store::OAuthClient& client) {
  Json out = {
      {"id", client.public_id},
      {"keyType", client.federation ? "federated" : "client"},
      {"description", client.description},
      {"created", to_rfc3339(client.created)},
      {"updated", to_rfc3339(client.updated)},
      {"invalid", client.revoked.has_value()},
      {"scopes", client.scopes},
      {"tags", client.tags},
      {"userId", store::to_text(client.user)}};
  if (client.federation) show_federation(*client.federation, out);
  if (client.revoked) out["revoked"] = to_rfc3339(*client.revoked);
  return out;
}

Answer<http::Response> create_client(
    const AdminContext& c, const Json& body, store::AccountId account) {
  auto wish = read_client(c, body, account);
  if (!wish) return wish.error();
  store::OAuthClient client = client_of(c, std::move(*wish), account);
  store::AuditEntry entry = c.audit("CREATE", target_type(client));
  entry.account = account;
  entry.target_name = client.description;
  entry.new_value = rights_of(client);
  auto made = c.tokens.create_client(std::move(client), c.now, entry);
  if (!made) return ApiError::of(made.error());
  Json out = client_json(made->client);
  out["key"] = made->text;
  return http::Response::json(200, text_of(out));
}

// No secret: its public id is all there is to know.
Answer<http::Response> create_identity(
    const AdminContext& c, const Json& body, store::AccountId account) {
  auto wish = read_client(c, body, account);
  if (!wish) return wish.error();
  store::OAuthClient client = client_of(c, std::move(*wish), account);
  client.public_id = c.tokens.new_client_id();
  client.created = client.updated = c.now;
  auto federation = read_federation(body, *c.registry.account(account), client.public_id);
  if (!federation) return federation.error();
  client.federation = std::move(*federation);
  store::AuditEntry entry = c.audit("CREATE", target_type(client));
  entry.account = account;
  entry.target_id = client.public_id;
  entry.target_name = client.description;
  entry.new_value = rights_of(client);
  auto made = c.storage.create_oauth_client(std::move(client), entry);
  if (!made) return ApiError::of(made.error());
  return http::Response::json(200, text_of(client_json(*made)));
}

Answer<http::Response> replace_client(
    const AdminContext& c, const Json& body, const store::OAuthClient& client) {
  auto wish = read_client(c, body, client.account);
  if (!wish) return wish.error();
  store::OAuthClient changed = client;
  changed.scopes = std::move(wish->scopes);
  changed.tags = std::move(wish->tags);
  changed.description = std::move(wish->description);
  if (client.federation) {
    auto federation = read_federation(body, *c.registry.account(client.account), client.public_id);
    if (!federation) return federation.error();
    changed.federation = std::move(*federation);
  }
  const bool same = changed.scopes == client.scopes && changed.tags == client.tags &&
                    changed.description == client.description &&
                    changed.federation == client.federation;
  if (same) return http::Response::json(200, text_of(client_json(client)));
  changed.updated = c.now;
  store::AuditEntry entry = c.audit("UPDATE", target_type(client));
  entry.account = client.account;
  entry.target_id = client.public_id;
  entry.target_name = changed.description;
  entry.old_value = rights_of(client);
  entry.new_value = rights_of(changed);
  if (auto stored = c.storage.update_oauth_client(changed, entry); !stored) {
    return ApiError::of(stored.error());
  }
  return http::Response::json(200, text_of(client_json(changed)));
}

}  // namespace aya::resources
