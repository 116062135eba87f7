// What the store keeps for programs that steer a network: OAuth clients with the short-lived tokens
// they get, and endpoints that want to hear of changes. Part of Store (store.h), whose contract
// holds here too.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coord-server/store/stored.h"

namespace aya::store {

using OAuthClientId = StrongId<struct OAuthClientTag, std::int64_t>;

// What the token of another issuer must say of a program that comes with one. A "*" in a pattern
// stands for any characters, or none.
struct Federation {
  std::string issuer;                         // "https://token.actions.example"
  std::string subject;                        // pattern
  std::string audience;
  std::map<std::string, std::string> claims;  // patterns of further claims, by name

  friend bool operator==(const Federation&, const Federation&) = default;
};

// A program with rights of its own: it acts for the network, not for a person.
struct OAuthClient {
  OAuthClientId id;
  std::string public_id;  // the readable middle of "tskey-client-<public_id>-<secret>"
  AccountId account;
  UserId user;  // who made it
  SecretHash secret{};              // of nothing where there is a federation
  std::vector<std::string> scopes;  // "devices:core", "dns:read"
  std::vector<std::string> tags;    // what its nodes and keys have
  std::string description;
  WallTime created{};
  WallTime updated{};
  std::optional<WallTime> revoked;
  std::optional<Federation> federation;  // proves itself by such a token instead of a secret
};

// What a client trades its secret, or another's token, for; at most what the client may.
struct AccessToken {
  std::string public_id;
  std::string client;  // public_id of the client
  SecretHash secret{};
  std::vector<std::string> scopes;
  std::vector<std::string> tags;
  WallTime created{};
  WallTime expires{};
};

class AutomationStore {
 public:
  virtual ~AutomationStore() = default;

  virtual Stored<OAuthClient> create_oauth_client(OAuthClient client, AuditEntry audit) = 0;
  virtual Stored<std::optional<OAuthClient>> oauth_client(std::string_view public_id) = 0;
  virtual Stored<std::vector<OAuthClient>> oauth_clients(AccountId account) = 0;
  // Scopes, tags, description, federation and `updated`. Tokens that are out keep what they got.
  virtual Stored<void> update_oauth_client(const OAuthClient& client, const AuditEntry& audit) = 0;
  // Its tokens end with it.
  virtual Stored<void> revoke_oauth_client(
      const OAuthClient& client, WallTime now, const AuditEntry& audit) = 0;

  // Lets go of those that have expired.
  virtual Stored<void> create_access_token(const AccessToken& token) = 0;
  virtual Stored<std::optional<AccessToken>> access_token(std::string_view public_id) = 0;
};

}  // namespace aya::store
