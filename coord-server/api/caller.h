// Who is asking, and what that one may do (interfaces 1.2, 1.3). One thing gives an identity: an
// API token, as user name of Basic or as Bearer; or the administrator's unix socket, whose callers
// the system vouches for.
#pragma once

#include "coord-server/enroll/credential_text.h"
#include "coord-server/nodes/registry.h"
#include "coord-server/api/api_error.h"

namespace aya::api {

struct Caller {
  store::AccountId account;    // what "-" means in a path
  store::UserId user;          // who owns what this caller makes
  std::string role;            // of that user; "owner" on the socket
  bool every_account = false;  // the socket
  std::string actor;           // JSON object for the audit log
  std::string origin;          // "CONFIG_API" or "ADMIN_SOCKET"

  bool may_see(store::AccountId other) const { return every_account || other == account; }
};

// "devices:core", or "devices:core:read" for what only looks; the name stands in the refusal.
// Owners and administrators may do everything, auditors read everything, members nothing yet.
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

 private:
  store::Store& storage_;
  const nodes::Registry& registry_;
  Rng& rng_;
};

}  // namespace aya::api
