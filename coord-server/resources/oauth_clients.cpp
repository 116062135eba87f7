#include "coord-server/resources/oauth_clients.h"

#include <algorithm>

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
      {"keyType", "client"},
      {"description", client.description},
      {"created", to_rfc3339(client.created)},
      {"updated", to_rfc3339(client.updated)},
      {"invalid", client.revoked.has_value()},
      {"scopes", client.scopes},
      {"tags", client.tags},
      {"userId", std::to_string(client.user.value)}};
  if (client.revoked) out["revoked"] = to_rfc3339(*client.revoked);
  return out;
}

Answer<http::Response> create_client(
    const AdminContext& c, const Json& body, store::AccountId account) {
  auto wish = read_client(c, body, account);
  if (!wish) return wish.error();
  store::OAuthClient client;
  client.account = account;
  client.user = c.caller.user;
  client.scopes = std::move(wish->scopes);
  client.tags = std::move(wish->tags);
  client.description = std::move(wish->description);
  store::AuditEntry entry = c.audit("CREATE", "OAUTH_CLIENT");
  entry.account = account;
  entry.target_name = client.description;
  entry.new_value = text_of({{"scopes", client.scopes}, {"tags", client.tags}});
  auto made = c.tokens.create_client(std::move(client), c.now, entry);
  if (!made) return ApiError::of(made.error());
  Json out = client_json(made->client);
  out["key"] = made->text;
  return http::Response::json(200, text_of(out));
}

Answer<http::Response> replace_client(
    const AdminContext& c, const Json& body, const store::OAuthClient& client) {
  auto wish = read_client(c, body, client.account);
  if (!wish) return wish.error();
  store::OAuthClient changed = client;
  changed.scopes = std::move(wish->scopes);
  changed.tags = std::move(wish->tags);
  changed.description = std::move(wish->description);
  const bool same = changed.scopes == client.scopes && changed.tags == client.tags &&
                    changed.description == client.description;
  if (same) return http::Response::json(200, text_of(client_json(client)));
  changed.updated = c.now;
  store::AuditEntry entry = c.audit("UPDATE", "OAUTH_CLIENT");
  entry.account = client.account;
  entry.target_id = client.public_id;
  entry.target_name = changed.description;
  entry.old_value = text_of({{"scopes", client.scopes}, {"tags", client.tags}});
  entry.new_value = text_of({{"scopes", changed.scopes}, {"tags", changed.tags}});
  if (auto stored = c.storage.update_oauth_client(changed, entry); !stored) {
    return ApiError::of(stored.error());
  }
  return http::Response::json(200, text_of(client_json(changed)));
}

}  // namespace aya::resources
