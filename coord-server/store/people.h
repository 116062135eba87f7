// What the store keeps about how people prove who they are: passwords, second factors, browser
// sessions, one-time links, identities at other providers. Part of Store (store.h), whose contract
// holds here too.
//
// Of every secret only what is needed to recognize it: argon2id of passwords, SHA-256 of random
// tokens. A second factor's secret has to be kept as it is, because codes are computed from it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "coord-server/store/stored.h"

namespace aya::store {

struct Credentials {
  UserId user;
  std::string password;              // as proto/crypto/password.h made it; empty: none
  std::string totp;                  // base32; empty: no second factor
  std::int64_t totp_step = 0;        // of the last code that was used
  std::vector<SecretHash> recovery;  // codes for the loss of the second factor, not yet used
};

struct BrowserSession {
  SecretHash id{};  // of what the cookie holds
  UserId user;
  WallTime created{};
  WallTime used{};    // not every time
  std::string where;  // address and browser, for its owner to recognize
};

// Something that was sent to a person and is good for one time.
struct OneTimeLink {
  SecretHash id{};
  UserId user;
  WallTime expires{};
};

// A person as another provider knows it: never by e-mail address, which may change hands.
struct Identity {
  AccountId account;
  std::string issuer;
  std::string subject;
  UserId user;
};

// Somebody who may become a user, by a link; gone once it was used.
using UserInviteId = StrongId<struct UserInviteTag, std::int64_t>;
struct UserInvite {
  UserInviteId id;
  AccountId account;
  UserId inviter;
  std::string role;
  std::string email;   // whom it is meant for, if that was said
  SecretHash nonce{};  // of the code in the link
  WallTime created{}, expires{};
  std::optional<WallTime> mailed;  // when a mail server last took a mail about it
};

// How somebody comes in who becomes a user just now.
struct FirstLogin {
  std::optional<Identity> identity;    // as which another provider knows this person
  std::optional<UserInviteId> invite;  // used up
  std::string password;                // its hash; empty: there is none
};

class PeopleStore {
 public:
  virtual ~PeopleStore() = default;

  // Login, display name, role, status.
  virtual Stored<void> update_user(const User& user, const AuditEntry& audit) = 0;
  // With all that is kept about this person. Nodes must have gone before.
  virtual Stored<void> delete_user(UserId user, const AuditEntry& audit) = 0;

  virtual Stored<Credentials> credentials(UserId user) = 0;  // empty where there are none
  // With `audit` where a person should see it.
  struct EndSessions {
    std::optional<SecretHash> but;
  };
  virtual Stored<void> set_credentials(
      const Credentials& credentials, const std::optional<AuditEntry>& audit,
      const std::optional<EndSessions>& end = {}) = 0;

  virtual Stored<void> create_session(const BrowserSession& session, const AuditEntry& audit) = 0;
  virtual Stored<std::optional<BrowserSession>> session(const SecretHash& id) = 0;
  virtual Stored<std::vector<BrowserSession>> sessions(UserId user) = 0;
  virtual Stored<void> touch_session(const SecretHash& id, WallTime used) = 0;
  virtual Stored<void> delete_session(const SecretHash& id) = 0;
  // All of them, or all but one.
  virtual Stored<void> delete_sessions(UserId user, const std::optional<SecretHash>& but) = 0;

  // Takes the place of an earlier link for that person.
  virtual Stored<void> create_link(const OneTimeLink& link, const AuditEntry& audit) = 0;
  virtual Stored<std::optional<OneTimeLink>> link(const SecretHash& id) = 0;
  virtual Stored<void> redeem_link(const SecretHash& id) = 0;  // Spent: somebody was faster

  virtual Stored<std::vector<UserInvite>> user_invites() = 0;
  // Fills in ids.
  virtual Stored<std::vector<UserInvite>> create_user_invites(
      std::vector<UserInvite> invites, const std::vector<AuditEntry>& audit) = 0;
  virtual Stored<void> delete_user_invite(UserInviteId invite, const AuditEntry& audit) = 0;
  virtual Stored<void> note_user_invite_mailed(UserInviteId invite, WallTime when) = 0;

  virtual Stored<std::optional<Identity>> identity(
      AccountId account, std::string_view issuer, std::string_view subject) = 0;
};

}  // namespace aya::store
