#include "coord-server/store/sqlite_tables.h"
#include "proto/base/hex.h"

namespace aya::store {
namespace {

constexpr const char* kCredentialColumns = "user_id, password, totp, totp_step, recovery";
Credentials read_credentials(RowReader& row) {
  Credentials out;
  out.user = row.id<UserId>();
  out.password = row.text();
  out.totp = row.text();
  out.totp_step = row.integer();
  out.recovery = row.hashes();
  return out;
}

constexpr const char* kSessionColumns = "sha256, user_id, created, used, place";
BrowserSession read_session(RowReader& row) {
  BrowserSession out;
  out.id = row.hash();
  out.user = row.id<UserId>();
  out.created = row.time();
  out.used = row.time();
  out.where = row.text();
  return out;
}

OneTimeLink read_link(RowReader& row) {
  OneTimeLink out;
  out.id = row.hash();
  out.user = row.id<UserId>();
  out.expires = row.time();
  return out;
}

Identity read_identity(RowReader& row) {
  Identity out;
  out.account = row.id<AccountId>();
  out.issuer = row.text();
  out.subject = row.text();
  out.user = row.id<UserId>();
  return out;
}

UserInvite read_user_invite(RowReader& row) {
  UserInvite out;
  out.id = row.id<UserInviteId>();
  out.account = row.id<AccountId>();
  out.inviter = row.id<UserId>();
  out.role = row.text();
  out.email = row.text();
  out.nonce = row.hash();
  out.created = row.time();
  out.expires = row.time();
  out.mailed = row.optional_time();
  return out;
}

std::string hashes_column(const std::vector<SecretHash>& hashes) {
  std::string out;
  for (const SecretHash& hash : hashes) out += (out.empty() ? "" : " ") + to_hex(hash);
  return out;
}

}  // namespace

Stored<void> SqliteStore::update_user(const User& user, const AuditEntry& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    auto updated = change_one(
        "UPDATE users SET login = ?, display_name = ?, role = ?, status = ? WHERE id = ?",
        {user.login, user.display_name, user.role, user.status, user.id});
    if (!updated) return updated;
    return log(audit);
  });
}

Stored<void> SqliteStore::delete_user(UserId user, const AuditEntry& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    for (const char* statement :
         {"DELETE FROM auth_keys WHERE user_id = ?", "DELETE FROM api_tokens WHERE user_id = ?"}) {
      if (auto gone = db_.run(statement, {user}); !gone) return gone;
    }
    if (auto gone = change_one("DELETE FROM users WHERE id = ?", {user}); !gone) return gone;
    return log(audit);
  });
}

Stored<Credentials> SqliteStore::credentials(UserId user) {
  auto found =
      first(all(read_credentials, kCredentialColumns, "credentials WHERE user_id = ?", {user}));
  if (!found) return found.error();
  if (*found) return std::move(**found);
  Credentials none;
  none.user = user;
  return none;
}

Stored<void> SqliteStore::write_credentials(const Credentials& credentials) {
  return db_.run(
      "INSERT OR REPLACE INTO credentials (user_id, password, totp, totp_step, recovery) "
      "VALUES (?,?,?,?,?)",
      {credentials.user, credentials.password, credentials.totp, credentials.totp_step,
       hashes_column(credentials.recovery)});
}

Stored<void> SqliteStore::set_credentials(
    const Credentials& credentials, const std::optional<AuditEntry>& audit,
    const std::optional<EndSessions>& end) {
  return db_.transaction<void>([&]() -> Stored<void> {
    if (auto set = write_credentials(credentials); !set) return set;
    if (end) {
      if (auto ended = delete_sessions(credentials.user, end->but); !ended) return ended;
    }
    return audit ? log(*audit) : Stored<void>();
  });
}

Stored<void> SqliteStore::create_session(const BrowserSession& session, const AuditEntry& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    auto created = db_.run(
        "INSERT INTO browser_sessions (sha256, user_id, created, used, place) VALUES (?,?,?,?,?)",
        {Bytes(session.id), session.user, to_rfc3339(session.created), to_rfc3339(session.used),
         session.where});
    if (!created) return created;
    return log(audit);
  });
}

Stored<std::optional<BrowserSession>> SqliteStore::session(const SecretHash& id) {
  return first(
      all(read_session, kSessionColumns, "browser_sessions WHERE sha256 = ?", {Bytes(id)}));
}

Stored<std::vector<BrowserSession>> SqliteStore::sessions(UserId user) {
  return all(
      read_session, kSessionColumns, "browser_sessions WHERE user_id = ? ORDER BY used DESC",
      {user});
}

Stored<void> SqliteStore::touch_session(const SecretHash& id, WallTime used) {
  return db_.run(
      "UPDATE browser_sessions SET used = ? WHERE sha256 = ?", {to_rfc3339(used), Bytes(id)});
}

Stored<void> SqliteStore::delete_session(const SecretHash& id) {
  return db_.run("DELETE FROM browser_sessions WHERE sha256 = ?", {Bytes(id)});
}

Stored<void> SqliteStore::delete_sessions(UserId user, const std::optional<SecretHash>& but) {
  const SecretHash kept = but.value_or(SecretHash{});
  return db_.run(
      "DELETE FROM browser_sessions WHERE user_id = ? AND sha256 <> ?", {user, Bytes(kept)});
}

Stored<void> SqliteStore::create_link(const OneTimeLink& link, const AuditEntry& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    auto gone = db_.run("DELETE FROM one_time_links WHERE user_id = ?", {link.user});
    if (!gone) return gone;
    auto created = db_.run(
        "INSERT INTO one_time_links (sha256, user_id, expires) VALUES (?,?,?)",
        {Bytes(link.id), link.user, to_rfc3339(link.expires)});
    if (!created) return created;
    return log(audit);
  });
}

Stored<std::optional<OneTimeLink>> SqliteStore::link(const SecretHash& id) {
  return first(
      all(read_link, "sha256, user_id, expires", "one_time_links WHERE sha256 = ?", {Bytes(id)}));
}

Stored<void> SqliteStore::redeem_link(const SecretHash& id) {
  if (auto gone = db_.run("DELETE FROM one_time_links WHERE sha256 = ?", {Bytes(id)}); !gone) {
    return gone;
  }
  if (db_.changed_rows() == 0) return StoreError{StoreError::Kind::Spent, "link already used"};
  return {};
}

Stored<std::optional<Identity>> SqliteStore::identity(
    AccountId account, std::string_view issuer, std::string_view subject) {
  return first(
      all(read_identity, "account_id, issuer, subject, user_id",
          "identities WHERE account_id = ? AND issuer = ? AND subject = ?",
          {account, issuer, subject}));
}

Stored<void> SqliteStore::let_in(UserId user, const FirstLogin& how) {
  if (how.invite) {
    auto used = db_.run("DELETE FROM user_invites WHERE id = ?", {*how.invite});
    if (!used) return used;
    if (db_.changed_rows() == 0) {
      return StoreError{StoreError::Kind::Spent, "the invitation has been used or taken back"};
    }
  }
  if (how.identity) {
    auto known = db_.run(
        "INSERT INTO identities (account_id, issuer, subject, user_id) VALUES (?,?,?,?)",
        {how.identity->account, how.identity->issuer, how.identity->subject, user});
    if (!known) return known;
  }
  if (how.password.empty()) return {};
  Credentials credentials;
  credentials.user = user;
  credentials.password = how.password;
  return write_credentials(credentials);
}

Stored<std::vector<UserInvite>> SqliteStore::user_invites() {
  return all(
      read_user_invite, "id, account_id, inviter_id, role, email, nonce, created, expires, mailed",
      "user_invites ORDER BY id", {});
}

Stored<std::vector<UserInvite>> SqliteStore::create_user_invites(
    std::vector<UserInvite> invites, const std::vector<AuditEntry>& audit) {
  return db_.transaction<std::vector<UserInvite>>([&]() -> Stored<std::vector<UserInvite>> {
    for (UserInvite& invite : invites) {
      auto inserted = db_.run(
          "INSERT INTO user_invites (account_id, inviter_id, role, email, nonce, created, expires) "
          "VALUES (?,?,?,?,?,?,?)",
          {invite.account, invite.inviter, invite.role, invite.email, Bytes(invite.nonce),
           to_rfc3339(invite.created), to_rfc3339(invite.expires)});
      if (!inserted) return inserted.error();
      invite.id = UserInviteId{db_.last_row_id()};
    }
    if (auto logged = log_all(audit); !logged) return logged.error();
    return invites;
  });
}

Stored<void> SqliteStore::delete_user_invite(UserInviteId invite, const AuditEntry& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    auto gone = change_one("DELETE FROM user_invites WHERE id = ?", {invite});
    return gone ? log(audit) : gone;
  });
}

Stored<void> SqliteStore::note_user_invite_mailed(UserInviteId invite, WallTime when) {
  return db_.run("UPDATE user_invites SET mailed = ? WHERE id = ?", {to_rfc3339(when), invite});
}

}  // namespace aya::store
