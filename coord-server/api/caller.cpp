#include "coord-server/api/caller.h"

#include "coord-server/api/json.h"
#include "proto/base/base64.h"

namespace aya::api {
namespace {

using enroll::Credential;
using enroll::CredentialKind;

// "Bearer X" and "Basic base64(X:)" carry the same thing.
std::optional<std::string> credential_of(std::string_view authorization) {
  const std::size_t space = authorization.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const std::string_view scheme = authorization.substr(0, space);
  std::string_view value = authorization.substr(space + 1);
  while (value.starts_with(' ')) value.remove_prefix(1);
  if (http::equal_ignoring_case(scheme, "bearer")) return std::string(value);
  if (!http::equal_ignoring_case(scheme, "basic")) return std::nullopt;
  const auto decoded = parse_base64(value);
  if (!decoded) return std::nullopt;
  const std::string_view pair = as_text(*decoded);
  return std::string(pair.substr(0, pair.find(':')));
}

}  // namespace

Answer<void> require(const Caller& caller, std::string_view scope) {
  if (caller.role == "owner" || caller.role == "admin") return {};
  if (scope.ends_with(":read") && caller.role == "auditor") return {};
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
  for (const store::User* user : registry.users_of(account->id)) {
    if (caller.user == store::UserId{} || user->role == "owner") caller.user = user->id;
    if (user->role == "owner") break;
  }
  caller.role = "owner";
  caller.every_account = true;
  caller.actor = text_of({{"id", who}, {"type", "AUTOMATED_WORKER"}, {"displayName", "local"}});
  caller.origin = "ADMIN_SOCKET";
  return caller;
}

Answer<Caller> ApiTokens::authenticate(const http::Request& request, WallTime now) {
  const auto text = credential_of(request.headers.get("Authorization"));
  if (!text) return ApiError::unauthorized();
  const auto credential = Credential::parse(CredentialKind::Api, *text);
  if (!credential) return ApiError::unauthorized();
  auto found = storage_.api_token(credential->public_id);
  if (!found) return ApiError::of(found.error());
  if (!*found || !credential->matches((*found)->secret)) return ApiError::unauthorized();
  const store::ApiToken& token = **found;
  const store::User* user = registry_.user(token.user);
  if (token.revoked || token.expires <= now || user == nullptr) return ApiError::unauthorized();
  Caller caller;
  caller.account = token.account;
  caller.user = token.user;
  caller.role = user->role;
  caller.actor = text_of(
      {{"id", std::to_string(user->id.value)},
       {"type", "USER"},
       {"loginName", user->login},
       {"displayName", user->display_name}});
  caller.origin = "CONFIG_API";
  return caller;
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
