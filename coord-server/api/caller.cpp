#include "coord-server/api/caller.h"

#include <algorithm>

#include "coord-server/api/json.h"
#include "proto/base/base64.h"

namespace aya::api {
namespace {

using enroll::Credential;
using enroll::CredentialKind;

Json user_actor(const store::User& user) {
  return {
      {"id", store::to_text(user.id)},
      {"type", "USER"},
      {"loginName", user.login},
      {"displayName", user.display_name}};
}

// The owner of an account: who stands for it where a person has to.
store::UserId first_owner(const nodes::Registry& registry, store::AccountId account) {
  store::UserId someone{};
  for (const store::User* user : registry.users_of(account)) {
    if (user->role == "owner") return user->id;
    if (someone == store::UserId{}) someone = user->id;
  }
  return someone;
}

bool is_any_of(const std::vector<std::string>& list, const std::string& word) {
  return std::ranges::find(list, word) != list.end();
}

}  // namespace

std::optional<Presented> presented_credential(const http::Request& request) {
  const std::string_view authorization = request.headers.get("Authorization");
  const std::size_t space = authorization.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const std::string_view scheme = authorization.substr(0, space);
  std::string_view value = authorization.substr(space + 1);
  while (value.starts_with(' ')) value.remove_prefix(1);
  if (http::equal_ignoring_case(scheme, "bearer")) return Presented{std::string(value), ""};
  if (!http::equal_ignoring_case(scheme, "basic")) return std::nullopt;
  const auto decoded = parse_base64(value);
  if (!decoded) return std::nullopt;
  const std::string_view pair = as_text(*decoded);
  const std::size_t colon = std::min(pair.find(':'), pair.size());
  return Presented{
      std::string(pair.substr(0, colon)),
      std::string(pair.substr(std::min(colon + 1, pair.size())))};
}

Answer<void> require(const Caller& caller, std::string_view scope) {
  if (grants(caller.scopes, scope)) return {};
  return ApiError::forbidden("scope " + std::string(scope) + " required");
}

Answer<Caller> socket_caller(
    const nodes::Registry& registry, std::string_view name, std::string_view who) {
  const auto& accounts = registry.accounts();
  if (accounts.empty()) return ApiError::not_found("account");
  const store::Account* account =
      name.empty() ? &accounts.begin()->second : registry.account_named(name);
  if (account == nullptr) return ApiError::not_found("account");
  Caller caller;
  caller.account = account->id;
  caller.user = first_owner(registry, account->id);
  caller.role = "owner";
  caller.scopes = {"all"};
  caller.every_account = true;
  caller.actor = text_of({{"id", who}, {"type", "AUTOMATED_WORKER"}, {"displayName", "local"}});
  caller.origin = "ADMIN_SOCKET";
  return caller;
}

Answer<Caller> ApiTokens::authenticate(const http::Request& request, WallTime now) {
  const auto shown = presented_credential(request);
  if (!shown) return ApiError::unauthorized();
  if (const auto api = Credential::parse(CredentialKind::Api, shown->name)) {
    return from_api_token(*api, now);
  }
  if (const auto access = Credential::parse(CredentialKind::Token, shown->name)) {
    return from_access_token(*access, now);
  }
  return ApiError::unauthorized();
}

Answer<Caller> ApiTokens::from_api_token(const Credential& credential, WallTime now) {
  auto found = storage_.api_token(credential.public_id);
  if (!found) return ApiError::of(found.error());
  if (!*found || !credential.matches((*found)->secret)) return ApiError::unauthorized();
  const store::ApiToken& token = **found;
  const store::User* user = registry_.user(token.user);
  if (token.revoked || token.expires <= now || user == nullptr || user->status != "active")
    return ApiError::unauthorized();
  Caller caller;
  caller.account = token.account;
  caller.user = token.user;
  caller.role = user->role;
  caller.scopes = scopes_of_role(user->role);
  caller.own_only = caller.scopes.empty();
  caller.credential = token.public_id;
  caller.expires = token.expires;
  caller.actor = text_of(user_actor(*user));
  caller.origin = "CONFIG_API";
  return caller;
}

Answer<Caller> ApiTokens::from_access_token(const Credential& credential, WallTime now) {
  auto found = storage_.access_token(credential.public_id);
  if (!found) return ApiError::of(found.error());
  if (!*found || !credential.matches((*found)->secret) || (*found)->expires <= now) {
    return ApiError::unauthorized();
  }
  auto client = storage_.oauth_client((*found)->client);
  if (!client) return ApiError::of(client.error());
  if (!*client || (*client)->revoked) return ApiError::unauthorized();
  const bool maker_is_here = registry_.user((*client)->user) != nullptr;
  Caller caller;
  caller.account = (*client)->account;
  caller.user = maker_is_here ? (*client)->user : first_owner(registry_, caller.account);
  caller.scopes = (*found)->scopes;
  caller.tags = (*found)->tags;
  caller.client = (*client)->public_id;
  caller.credential = (*client)->public_id;
  caller.expires = (*found)->expires;
  caller.actor = text_of(
      {{"id", (*client)->public_id},
       {"type", (*client)->federation ? "FEDERATED_IDENTITY" : "OAUTH_CLIENT"},
       {"displayName", (*client)->description},
       {"tags", (*found)->tags}});
  caller.origin = "CONFIG_API";
  return caller;
}

store::Stored<ApiTokens::NewClient> ApiTokens::create_client(
    store::OAuthClient client, WallTime now, const store::AuditEntry& audit) {
  const Credential credential = Credential::make(CredentialKind::Client, rng_);
  client.public_id = credential.public_id;
  client.secret = credential.hash();
  client.created = client.updated = now;
  store::AuditEntry entry = audit;
  entry.target_id = client.public_id;
  auto stored = storage_.create_oauth_client(std::move(client), std::move(entry));
  if (!stored) return stored.error();
  return NewClient{std::move(*stored), credential.to_text()};
}

std::string ApiTokens::new_client_id() const {
  return Credential::make(CredentialKind::Client, rng_).public_id;
}

Result<ApiTokens::NewAccess, ApiTokens::TradeRefusal> ApiTokens::trade(
    std::string_view secret, const GrantWish& wish, WallTime now) {
  using Kind = TradeRefusal::Kind;
  const auto shown = Credential::parse(CredentialKind::Client, secret);
  if (!shown) return TradeRefusal{Kind::UnknownClient, "unknown client"};
  auto found = storage_.oauth_client(shown->public_id);
  if (!found) return TradeRefusal{Kind::Failed, found.error().to_text()};
  const bool known = *found && !(*found)->federation && shown->matches((*found)->secret) &&
                     !(*found)->revoked;
  if (!known) return TradeRefusal{Kind::UnknownClient, "unknown client"};
  return grant(**found, wish, now);
}

Result<ApiTokens::NewAccess, ApiTokens::TradeRefusal> ApiTokens::grant(
    const store::OAuthClient& client, const GrantWish& wish, WallTime now) {
  using Kind = TradeRefusal::Kind;
  for (const std::string& scope : wish.scopes) {
    if (grants(client.scopes, scope)) continue;
    return TradeRefusal{Kind::TooWide, "scope \"" + scope + "\" is not granted to this client"};
  }
  for (const std::string& tag : wish.tags) {
    if (is_any_of(client.tags, tag)) continue;
    return TradeRefusal{Kind::TooWide, "tag \"" + tag + "\" is not granted to this client"};
  }
  const Credential credential = Credential::make(CredentialKind::Token, rng_);
  store::AccessToken token;
  token.public_id = credential.public_id;
  token.client = client.public_id;
  token.secret = credential.hash();
  token.scopes = wish.scopes.empty() ? client.scopes : wish.scopes;
  token.tags = wish.tags.empty() ? client.tags : wish.tags;
  token.created = now;
  token.expires = now + kAccessFor;
  if (auto stored = storage_.create_access_token(token); !stored) {
    return TradeRefusal{Kind::Failed, stored.error().to_text()};
  }
  return NewAccess{std::move(token), credential.to_text()};
}

store::Stored<ApiTokens::NewToken> ApiTokens::create(
    store::AccountId account, store::UserId user, std::string description,
    std::chrono::seconds valid_for, WallTime now, const store::AuditEntry& audit) {
  const Credential credential = Credential::make(CredentialKind::Api, rng_);
  store::ApiToken token;
  token.public_id = credential.public_id;
  token.account = account;
  token.user = user;
  token.secret = credential.hash();
  token.description = std::move(description);
  token.created = now;
  token.expires = now + (valid_for.count() > 0 ? valid_for : kLongest);
  store::AuditEntry entry = audit;
  entry.target_id = token.public_id;
  auto stored = storage_.create_api_token(std::move(token), std::move(entry));
  if (!stored) return stored.error();
  return NewToken{std::move(*stored), credential.to_text()};
}

}  // namespace aya::api
