// Auth keys, OAuth clients, federated identities and API tokens, one endpoint for all (interfaces
// 1.7).
#include <algorithm>
#include <array>

#include "coord-server/resources/handlers.h"
#include "coord-server/resources/oauth_clients.h"
#include "coord-server/resources/wished_address.h"
#include "coord-server/api/json.h"
#include "proto/http/target.h"

namespace aya::resources {
namespace {

constexpr auto kReadableAfterEnd = std::chrono::days(30);

std::int64_t seconds_between(WallTime from, WallTime to) {
  return std::chrono::duration_cast<std::chrono::seconds>(to - from).count();
}

// What both kinds have in common.
template <class Key>
Json common_json(const Key& key, const char* type, WallTime now) {
  Json out = {
      {"id", key.public_id},
      {"keyType", type},
      {"description", key.description},
      {"expirySeconds", seconds_between(key.created, key.expires)},
      {"created", to_rfc3339(key.created)},
      {"expires", to_rfc3339(key.expires)},
      {"invalid", key.revoked.has_value() || key.expires <= now},
      {"userId", store::to_text(key.user)}};
  if (key.revoked) out["revoked"] = to_rfc3339(*key.revoked);
  return out;
}

Json key_json(const store::AuthKey& key, WallTime now) {
  Json out = common_json(key, "auth", now);
  if (key.spent()) out["invalid"] = true;
  if (!key.client.empty()) out["userId"] = "";
  out["capabilities"]["devices"]["create"] = {
      {"reusable", key.reusable},
      {"ephemeral", key.ephemeral},
      {"preauthorized", key.preauthorized},
      {"tags", key.tags}};
  out["uses"] = key.uses;
  if (key.ipv4) out["ipv4"] = key.ipv4->to_text();
  return out;
}

Json key_json(const store::ApiToken& token, WallTime now) { return common_json(token, "api", now); }

// Revoked and expired keys stay visible as invalid, so that tools see why and not just "gone".
template <class Key>
bool is_readable(const Key& key, WallTime now) {
  std::optional<WallTime> end = key.revoked;
  if constexpr (requires { key.expires; }) end = std::min(end.value_or(key.expires), key.expires);
  return !end || now < *end + kReadableAfterEnd;
}

struct KeyWish {
  std::string description;
  std::chrono::seconds valid_for{0};
  const store::User* user = nullptr;
};

Answer<KeyWish> read_wish(const AdminContext& c, const Json& body, store::AccountId account) {
  KeyWish wish;
  auto description = read_description(body);
  if (!description) return description.error();
  wish.description = *description;
  auto seconds = number_field(body, "expirySeconds");
  if (!seconds) return seconds.error();
  if (*seconds < 0) return ApiError::bad_request("expirySeconds: want a positive number");
  if (*seconds > enroll::AuthKeys::kLongest.count()) {
    return ApiError::bad_request(
        "expirySeconds: at most " + std::to_string(enroll::AuthKeys::kLongest.count()));
  }
  wish.valid_for = std::chrono::seconds(*seconds);
  // An addition of ours: administrators may make keys for others.
  auto login = text_field(body, "user");
  if (!login) return login.error();
  if (login->empty()) {
    wish.user = c.registry.user(c.caller.user);
    if (wish.user == nullptr || wish.user->account != account) {
      return ApiError::bad_request("user: name the owner of the key");
    }
    return wish;
  }
  auto user = c.user_named(account, *login);
  if (!user) return user.error();
  if (auto may = c.may_act_as(**user); !may) return may.error();
  wish.user = *user;
  return wish;
}

// The lines a person pastes on the new machine.
Json up_commands(const ServerFacts& facts, const std::string& key) {
  const std::string rest = " --login-server " + facts.server_url + " --auth-key " + key;
  Json out = {{"up", "ayatori up" + rest}, {"stock", "tailscale up" + rest}};
  if (!facts.certificate_pin.empty()) {
    out["up"] = "ayatori up" + rest + " --server-cert " + facts.certificate_pin;
    // Other clients have to be told to trust a copy of this.
    out["certificateFile"] = facts.certificate_file;
  }
  return out;
}

Answer<http::Response> create_auth_key(
    const AdminContext& c, const Json& body, store::AccountId account) {
  auto wish = read_wish(c, body, account);
  if (!wish) return wish.error();
  Json level = body;
  for (const char* name : {"capabilities", "devices", "create"}) {
    auto inner = object_field(level, name);
    if (!inner) return inner.error();
    level = std::move(*inner);
  }
  auto reusable = flag_field(level, "reusable");
  auto ephemeral = flag_field(level, "ephemeral");
  auto preauthorized = flag_field(level, "preauthorized");
  for (const auto* flag : {&reusable, &ephemeral, &preauthorized}) {
    if (!*flag) return flag->error();
  }
  auto tags = texts_field(level, "tags");
  if (!tags) return tags.error();
  if (auto may = c.may_give(account, *tags); !may) return may.error();
  if (tags->empty() && !c.caller.is_person()) {
    return ApiError::bad_request("tags: a key that no person makes needs at least one");
  }
  // An addition of ours: "ipv4" keeps an address for the one machine that will come with the key.
  auto ipv4 = wished_address(c, body, account);
  if (!ipv4) return ipv4.error();
  if (*ipv4 && *reusable) {
    return ApiError::bad_request("ipv4: only a key for one device can keep an address");
  }
  enroll::AuthKeyWish key;
  key.ipv4 = *ipv4;
  key.account = account;
  key.user = wish->user->id;
  key.reusable = *reusable;
  key.ephemeral = *ephemeral;
  key.preauthorized = *preauthorized;
  key.client = c.caller.client;
  key.tags = nodes::in_order(std::move(*tags));
  key.description = wish->description;
  key.valid_for = wish->valid_for;
  store::AuditEntry entry = c.audit("CREATE", "AUTH_KEY");
  entry.account = account;
  entry.target_name = wish->description;
  auto made = c.auth_keys.create(key, c.now, entry);
  if (!made) return ApiError::of(made.error());
  Json out = key_json(made->key, c.now);
  out["key"] = made->text;
  out["ayatori"] = up_commands(c.facts, made->text);
  return http::Response::json(200, text_of(out));
}

Answer<http::Response> create_token(
    const AdminContext& c, const Json& body, store::AccountId account) {
  auto wish = read_wish(c, body, account);
  if (!wish) return wish.error();
  // It has its user's rights, of which the program that asks may have a part only.
  if (auto may = c.may_give_role(wish->user->role); !may) return may.error();
  store::AuditEntry entry = c.audit("CREATE", "API_KEY");
  entry.account = account;
  entry.target_name = wish->description;
  auto made =
      c.tokens.create(account, wish->user->id, wish->description, wish->valid_for, c.now, entry);
  if (!made) return ApiError::of(made.error());
  Json out = key_json(made->token, c.now);
  out["key"] = made->text;
  return http::Response::json(200, text_of(out));
}

struct Kind {
  std::string_view name;
  const char* scope;
  const char* target;  // in the audit log
  Answer<http::Response> (*create)(const AdminContext&, const Json&, store::AccountId);
};
constexpr std::array kKinds = {
    Kind{"auth", "auth_keys", "AUTH_KEY", create_auth_key},
    Kind{"client", "oauth_keys", "OAUTH_CLIENT", create_client},
    Kind{"federated", "federated_keys", "FEDERATED_IDENTITY", create_identity},
    Kind{"api", "api_access_tokens", "API_KEY", create_token},
};
constexpr const Kind &kAuth = kKinds[0], &kClient = kKinds[1], &kFederated = kKinds[2],
                     &kApi = kKinds[3];

const Kind& kind_of(const store::OAuthClient& client) {
  return client.federation ? kFederated : kClient;
}

bool may_read(const AdminContext& c, const Kind& kind) {
  return require(c.caller, kind.scope + std::string(":read")).has_value();
}

// A key of any kind, as far as it is there and may be seen.
struct Found {
  std::optional<store::AuthKey> auth;
  std::optional<store::OAuthClient> client;
  std::optional<store::ApiToken> api;

  const Kind& kind() const { return auth ? kAuth : client ? kind_of(*client) : kApi; }
  Json shown(WallTime now) const {
    if (auth) return key_json(*auth, now);
    return client ? client_json(*client) : key_json(*api, now);
  }
  std::optional<WallTime> revoked() const {
    if (auth) return auth->revoked;
    return client ? client->revoked : api->revoked;
  }
};

// Into `out`, unless it is another account's or has ended long ago.
template <class Key>
Answer<void> take_key(
    store::Stored<std::optional<Key>> row, store::AccountId account, WallTime now,
    std::optional<Key>& out) {
  if (!row) return ApiError::of(row.error());
  if (*row && (*row)->account == account && is_readable(**row, now)) out = std::move(*row);
  return {};
}

Answer<Found> find_key(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  const store::AccountId id = (*account)->id;
  Found found;
  if (auto taken = take_key(c.storage.auth_key(c.path[1]), id, c.now, found.auth); !taken) {
    return taken.error();
  }
  if (auto taken = take_key(c.storage.oauth_client(c.path[1]), id, c.now, found.client); !taken) {
    return taken.error();
  }
  if (auto taken = take_key(c.storage.api_token(c.path[1]), id, c.now, found.api); !taken) {
    return taken.error();
  }
  if (!found.auth && !found.client && !found.api) return ApiError::not_found("key");
  return found;
}

store::Stored<void> revoke(
    const AdminContext& c, const Found& found, const store::AuditEntry& entry) {
  if (found.auth) return c.storage.revoke_auth_key(found.auth->id, c.now, entry);
  if (found.client) return c.storage.revoke_oauth_client(*found.client, c.now, entry);
  return c.storage.revoke_api_token(found.api->id, c.now, entry);
}

}  // namespace

Answer<http::Response> create_key(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  auto body = body_object(c.request);
  if (!body) return body.error();
  auto type = text_field(*body, "keyType", "auth");
  if (!type) return type.error();
  const std::string wanted = type->empty() ? "auth" : *type;
  const auto kind = std::ranges::find(kKinds, wanted, &Kind::name);
  if (kind == kKinds.end()) {
    return ApiError::bad_request("keyType: want auth, client, federated or api");
  }
  if (auto may = require(c.caller, kind->scope); !may) return may.error();
  return kind->create(c, *body, (*account)->id);
}

Answer<http::Response> list_keys(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  if (std::ranges::none_of(kKinds, [&](const Kind& kind) { return may_read(c, kind); })) {
    return ApiError::forbidden("scope auth_keys:read required");
  }
  const bool all = c.caller.every_account || http::query_value(c.request.query(), "all") == "true";
  Json keys = Json::array();
  const auto is_wanted = [&](const auto& key) {
    return (all || key.user == c.caller.user) && !key.revoked && is_readable(key, c.now);
  };
  if (may_read(c, kAuth)) {
    auto rows = c.storage.auth_keys((*account)->id);
    if (!rows) return ApiError::of(rows.error());
    for (const auto& key : *rows) {
      if (is_wanted(key)) keys.push_back(key_json(key, c.now));
    }
  }
  if (all && (may_read(c, kClient) || may_read(c, kFederated))) {
    auto rows = c.storage.oauth_clients((*account)->id);
    if (!rows) return ApiError::of(rows.error());
    for (const auto& client : *rows) {
      if (is_wanted(client) && may_read(c, kind_of(client))) keys.push_back(client_json(client));
    }
  }
  if (all && may_read(c, kApi)) {
    auto rows = c.storage.api_tokens((*account)->id);
    if (!rows) return ApiError::of(rows.error());
    for (const auto& token : *rows) {
      if (is_wanted(token)) keys.push_back(key_json(token, c.now));
    }
  }
  return http::Response::json(200, text_of({{"keys", std::move(keys)}}));
}

// Every credential may look at itself.
Answer<http::Response> get_key(const AdminContext& c) {
  auto found = find_key(c);
  const bool own = !c.caller.credential.empty() && c.path[1] == c.caller.credential;
  if (!own) {
    const char* scope = found ? found->kind().scope : kAuth.scope;
    if (auto may = require(c.caller, scope + std::string(":read")); !may) return may.error();
  }
  if (!found) return found.error();
  return http::Response::json(200, text_of(found->shown(c.now)));
}

Answer<http::Response> put_key(const AdminContext& c) {
  auto found = find_key(c);
  const Kind& kind = found && found->client ? found->kind() : kClient;
  if (auto may = require(c.caller, kind.scope); !may) return may.error();
  if (!found) return found.error();
  if (!found->client || found->client->revoked) {
    return ApiError::bad_request(
        "only OAuth clients and federated identities can be changed; make another key");
  }
  auto body = body_object(c.request);
  if (!body) return body.error();
  auto type = text_field(*body, "keyType");
  if (!type) return type.error();
  if (!type->empty() && *type != kind.name) {
    return ApiError::bad_request("keyType: this one is " + in_quotes(std::string(kind.name)));
  }
  return replace_client(c, *body, *found->client);
}

Answer<http::Response> delete_key(const AdminContext& c) {
  auto found = find_key(c);
  const Kind& kind = found ? found->kind() : kAuth;
  if (auto may = require(c.caller, kind.scope); !may) return may.error();
  if (!found) return found.error();
  if (found->revoked()) return ApiError::not_found("key");
  store::AuditEntry entry = c.audit("REVOKE", kind.target);
  entry.account = c.account(c.path[0]).value()->id;
  entry.target_id = c.path[1];
  auto revoked = revoke(c, *found, entry);
  if (revoked) return http::Response::json(200, "{}");
  if (revoked.error().kind == store::StoreError::Kind::NotFound) return ApiError::not_found("key");
  return ApiError::of(revoked.error());
}

}  // namespace aya::resources
