#include "coord-server/store/sqlite_tables.h"

namespace aya::store {

// The WHERE decides the race between two nodes that come with the same one-off key.
Stored<void> SqliteStore::redeem(std::optional<AuthKeyId> key) {
  if (!key) return {};
  auto used = db_.run(
      "UPDATE auth_keys SET uses = uses + 1 "
      "WHERE id = ? AND revoked IS NULL AND (reusable = 1 OR uses = 0)",
      {*key});
  if (!used) return used;
  if (db_.changed_rows() == 0) return StoreError{StoreError::Kind::Spent, "auth key already used"};
  return {};
}

Stored<AuthKey> SqliteStore::create_auth_key(AuthKey key, AuditEntry audit) {
  return db_.transaction<AuthKey>([&]() -> Stored<AuthKey> {
    auto inserted = db_.run(
        "INSERT INTO auth_keys (public_id, account_id, user_id, secret_sha256, reusable, "
        "ephemeral, preauthorized, description, created, expires, tags, client) "
        "VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
        {key.public_id, key.account, key.user, Bytes(key.secret), key.reusable, key.ephemeral,
         key.preauthorized, key.description, to_rfc3339(key.created), to_rfc3339(key.expires),
         words_column(key.tags), key.client});
    if (!inserted) return inserted.error();
    key.id = AuthKeyId{db_.last_row_id()};
    if (key.ipv4) {
      auto reserved = db_.run(
          "INSERT INTO address_reservations (auth_key_id, ipv4) VALUES (?,?)",
          {key.id, key.ipv4->to_text()});
      if (!reserved) return reserved.error();
    }
    if (auto logged = log(audit); !logged) return logged.error();
    return key;
  });
}

Stored<ApiToken> SqliteStore::create_api_token(ApiToken token, AuditEntry audit) {
  return db_.transaction<ApiToken>([&]() -> Stored<ApiToken> {
    auto inserted = db_.run(
        "INSERT INTO api_tokens (public_id, account_id, user_id, secret_sha256, description, "
        "created, expires) VALUES (?,?,?,?,?,?,?)",
        {token.public_id, token.account, token.user, Bytes(token.secret), token.description,
         to_rfc3339(token.created), to_rfc3339(token.expires)});
    if (!inserted) return inserted.error();
    token.id = ApiTokenId{db_.last_row_id()};
    if (auto logged = log(audit); !logged) return logged.error();
    return token;
  });
}

Stored<void> SqliteStore::revoke(
    const char* statement, std::int64_t id, WallTime now, const AuditEntry& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    if (auto done = change_one(statement, {to_rfc3339(now), id}); !done) return done;
    return log(audit);
  });
}

}  // namespace aya::store
