// People: who is at the other end of a browser, and how that was found out. Sessions, one-time
// links and second factors over the store; passwords are compared elsewhere, because that is slow.
//
// Tokens are 256 random bits and known here by their SHA-256 only. One thread.
#pragma once

#include "coord-server/nodes/registry.h"
#include "coord-server/people/totp.h"
#include "proto/base/rng.h"

namespace aya::people {

class People {
 public:
  static constexpr auto kIdle = std::chrono::hours(12);
  static constexpr auto kLongest = std::chrono::days(30);
  static constexpr auto kLinkLasts = std::chrono::hours(24);
  static constexpr std::size_t kRecoveryCodes = 10;

  // All outlive this.
  People(nodes::Registry& registry, store::Store& storage, Rng& rng)
      : registry_(registry), storage_(storage), rng_(rng) {}

  // By login, in the network named; where none is, in the oldest one that has it.
  const store::User* find(std::string_view network, std::string_view login) const;

  struct Visit {
    store::UserId user;
    store::BrowserSession session;
  };
  // Whom a cookie stands for. Suspended people have no sessions.
  store::Stored<std::optional<Visit>> visit(std::string_view token, WallTime now);
  // The token for the cookie. `how` and `where` for the audit log and for the person's own eyes.
  store::Stored<std::string> begin_session(
      const store::User& user, std::string where, std::string how, WallTime now);

  // The token of a link that signs this person in once.
  store::Stored<std::string> make_link(
      const store::User& user, WallTime now, const store::AuditEntry& audit);
  // Whose link it is; nullptr: used, over, or never given out.
  store::Stored<const store::User*> link_owner(std::string_view token, WallTime now);
  store::Stored<void> redeem_link(std::string_view token);

  // Does `code` prove the second factor? Used up in the store when it does.
  store::Stored<bool> prove(const store::User& user, std::string_view code, WallTime now);
  // Turns it on; the codes for a loss, told this once.
  store::Stored<std::vector<std::string>> set_totp(
      const store::User& user, const TotpSecret& secret, std::int64_t step, WallTime now);
  store::Stored<void> clear_totp(const store::User& user, const store::AuditEntry& audit);
  // Other sessions end.
  store::Stored<void> set_password(
      const store::User& user, std::string hash, const std::optional<store::SecretHash>& session,
      const store::AuditEntry& audit);

  // An entry about what this person did with the own login.
  store::AuditEntry entry(const store::User& user, std::string action, WallTime now) const;

 private:
  nodes::Registry& registry_;
  store::Store& storage_;
  Rng& rng_;
};

// The JSON object that the audit log keeps for a person.
std::string actor_of(const store::User& user);

}  // namespace aya::people
