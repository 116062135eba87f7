// Who is asking, and what that one may do (interfaces 1.2, 1.3). An identity comes from an API key
// of a person or an access token of an OAuth client, as user name of Basic or as Bearer; or from
// the administrator's unix socket, whose callers the system vouches for.
#pragma once

#include "coord-server/enroll/credential_text.h"
#include "coord-server/nodes/registry.h"
#include "coord-server/api/api_error.h"
#include "coord-server/api/scopes.h"

namespace aya::api {

// "Bearer X" and "Basic base64(X:…)" carry the same thing. Of the latter also what follows the
// colon.
struct Presented {
  std::string name;
  std::string password;
};
std::optional<Presented> presented_credential(const http::Request& request);

struct Caller {
  store::AccountId account;         // what "-" means in a path
  store::UserId user;               // who owns what this caller makes
  std::string role;                 // of that user; empty for a program, "owner" on the socket
  std::vector<std::string> scopes;  // what it may do
  bool own_only = false;            // a member: of devices, its own, and with them little
  bool every_account = false;       // the socket
  std::string client;               // of an OAuth client: its public id
  std::vector<std::string> tags;    // that such a client may give
  std::string credential;           // public id of the key or token; empty on the socket
  std::optional<WallTime> expires;  // of that
  std::string actor;                // JSON object for the audit log
  std::string origin;               // "CONFIG_API" or "ADMIN_SOCKET"
  std::string source;               // address the request came from, for the audit log
  std::string request_id;

  bool is_person() const { return client.empty(); }
  bool may_see(store::AccountId other) const { return every_account || other == account; }
};

// "devices:core", or "devices:core:read" for what only looks; the name stands in the refusal.
Answer<void> require(const Caller& caller, std::string_view scope);

// Over the socket. `account` chooses by name, empty is the first. 404 if there is none.
Answer<Caller> socket_caller(
    const nodes::Registry& registry, std::string_view account, std::string_view who);

class ApiTokens {
 public:
  static constexpr std::chrono::seconds kLongest = std::chrono::days(90);

  ApiTokens(store::Store& storage, const nodes::Registry& registry, Rng& rng)
      : storage_(storage), registry_(registry), rng_(rng) {}  // all outlive this

  // From the Authorization header. One answer for every way of being wrong.
  Answer<Caller> authenticate(const http::Request& request, WallTime now);

  struct NewToken {
    store::ApiToken token;
    std::string text;  // the secret, told this once
  };
  store::Stored<NewToken> create(
      store::AccountId account, store::UserId user, std::string description,
      std::chrono::seconds valid_for, WallTime now, const store::AuditEntry& audit);

  struct NewClient {
    store::OAuthClient client;
    std::string text;  // the secret, told this once
  };
  store::Stored<NewClient> create_client(
      store::OAuthClient client, WallTime now, const store::AuditEntry& audit);

  // Of a client that proves itself otherwise than by a secret.
  std::string new_client_id() const;

  // A token that is good for an hour, of a client that has proven itself. Without scopes or tags
  // all that the client has; more than that is refused.
  static constexpr std::chrono::seconds kAccessFor = std::chrono::hours(1);
  struct GrantWish {
    std::vector<std::string> scopes, tags;
  };
  struct TradeRefusal {
    enum class Kind {
      UnknownClient,
      TooWide,
      BadToken,  // of another issuer
      NotNow,    // that issuer cannot be asked
      Failed
    } kind;
    std::string what;
  };
  struct NewAccess {
    store::AccessToken token;
    std::string text;
  };
  Result<NewAccess, TradeRefusal> grant(
      const store::OAuthClient& client, const GrantWish& wish, WallTime now);
  // The same, for the secret of an OAuth client.
  Result<NewAccess, TradeRefusal> trade(
      std::string_view secret, const GrantWish& wish, WallTime now);

 private:
  Answer<Caller> from_api_token(const enroll::Credential& credential, WallTime now);
  Answer<Caller> from_access_token(const enroll::Credential& credential, WallTime now);

  store::Store& storage_;
  const nodes::Registry& registry_;
  Rng& rng_;
};

}  // namespace aya::api
