// Auth keys and API tokens, one endpoint for both (interfaces 1.7).
#include <algorithm>

#include "coord-server/resources/handlers.h"
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
      {"userId", std::to_string(key.user.value)}};
  if (key.revoked) out["revoked"] = to_rfc3339(*key.revoked);
  return out;
}

Json key_json(const store::AuthKey& key, WallTime now) {
  Json out = common_json(key, "auth", now);
  if (key.spent()) out["invalid"] = true;
  out["capabilities"]["devices"]["create"] = {
      {"reusable", key.reusable},
      {"ephemeral", key.ephemeral},
      {"preauthorized", key.preauthorized},
      {"tags", key.tags}};
  out["uses"] = key.uses;
  return out;
}

Json key_json(const store::ApiToken& token, WallTime now) { return common_json(token, "api", now); }

// Revoked and expired keys stay visible as invalid, so that tools see why and not just "gone".
template <class Key>
bool is_readable(const Key& key, WallTime now) {
  const WallTime end = std::min(key.revoked.value_or(key.expires), key.expires);
  return now < end + kReadableAfterEnd;
}

struct KeyWish {
  std::string description;
  std::chrono::seconds valid_for{0};
  const store::User* user = nullptr;
};

bool is_plain_description(const std::string& text) {
  return std::ranges::all_of(text, [](unsigned char c) {
    return (c < 0x80 && std::isalnum(c)) || c == ' ' || c == '-' || c == '_';
  });
}

Answer<KeyWish> read_wish(const AdminContext& c, const Json& body, store::AccountId account) {
  KeyWish wish;
  auto description = text_field(body, "description");
  if (!description) return description.error();
  if (!is_plain_description(*description)) {
    return ApiError::bad_request(
        "description: only letters, digits, spaces, hyphens and underscores");
  }
  if (description->size() > 50) return ApiError::bad_request("description: at most 50 characters");
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
  enroll::AuthKeyWish key;
  key.account = account;
  key.user = wish->user->id;
  key.reusable = *reusable;
  key.ephemeral = *ephemeral;
  key.preauthorized = *preauthorized;
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
  // A token has its user's role; nobody makes one that may do more than its maker.
  const bool lesser = c.caller.role != "owner" && wish->user->role == "owner";
  if (lesser) return ApiError::forbidden("only an owner makes tokens for an owner");
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

}  // namespace

Answer<http::Response> create_key(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  auto body = body_object(c.request);
  if (!body) return body.error();
  auto type = text_field(*body, "keyType", "auth");
  if (!type) return type.error();
  if (*type == "client" || *type == "federated") {
    return ApiError{501, "OAuth clients are not implemented"};
  }
  const bool is_auth = *type == "auth" || type->empty();
  if (!is_auth && *type != "api") return ApiError::bad_request("keyType: want auth or api");
  const char* scope = is_auth ? "auth_keys" : "api_access_tokens";
  if (auto may = require(c.caller, scope); !may) return may.error();
  return is_auth ? create_auth_key(c, *body, (*account)->id)
                 : create_token(c, *body, (*account)->id);
}

Answer<http::Response> list_keys(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  const bool all = c.caller.every_account || http::query_value(c.request.query(), "all") == "true";
  Json keys = Json::array();
  const auto add = [&](const auto& rows) {
    for (const auto& key : rows) {
      const bool wanted = all || key.user == c.caller.user;
      if (wanted && !key.revoked && is_readable(key, c.now)) keys.push_back(key_json(key, c.now));
    }
  };
  auto auth_keys = c.storage.auth_keys((*account)->id);
  if (!auth_keys) return ApiError::of(auth_keys.error());
  add(*auth_keys);
  if (all) {
    auto tokens = c.storage.api_tokens((*account)->id);
    if (!tokens) return ApiError::of(tokens.error());
    add(*tokens);
  }
  return http::Response::json(200, text_of({{"keys", std::move(keys)}}));
}

Answer<http::Response> get_key(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  auto key = c.storage.auth_key(c.path[1]);
  if (!key) return ApiError::of(key.error());
  if (*key && (*key)->account == (*account)->id && is_readable(**key, c.now)) {
    return http::Response::json(200, text_of(key_json(**key, c.now)));
  }
  auto token = c.storage.api_token(c.path[1]);
  if (!token) return ApiError::of(token.error());
  if (*token && (*token)->account == (*account)->id && is_readable(**token, c.now)) {
    return http::Response::json(200, text_of(key_json(**token, c.now)));
  }
  return ApiError::not_found("key");
}

Answer<http::Response> delete_key(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  store::AuditEntry entry = c.audit("REVOKE", "AUTH_KEY");
  entry.account = (*account)->id;
  entry.target_id = c.path[1];
  store::Stored<void> revoked = store::StoreError{store::StoreError::Kind::NotFound, ""};
  auto key = c.storage.auth_key(c.path[1]);
  if (!key) return ApiError::of(key.error());
  auto token = c.storage.api_token(c.path[1]);
  if (!token) return ApiError::of(token.error());
  if (*key && (*key)->account == (*account)->id) {
    revoked = c.storage.revoke_auth_key((*key)->id, c.now, entry);
  } else if (*token && (*token)->account == (*account)->id) {
    entry.target_type = "API_KEY";
    revoked = c.storage.revoke_api_token((*token)->id, c.now, entry);
  }
  if (revoked) return http::Response::json(200, "{}");
  if (revoked.error().kind == store::StoreError::Kind::NotFound) return ApiError::not_found("key");
  return ApiError::of(revoked.error());
}

}  // namespace aya::resources
