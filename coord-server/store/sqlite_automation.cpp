#include "coord-server/store/sqlite_tables.h"

namespace aya::store {
namespace {

// Columns of a client: empty where it has a secret.
struct FederationColumns {
  explicit FederationColumns(const OAuthClient& client)
      : is(client.federation.value_or(Federation{})), claims(pairs_column(is.claims)) {}
  Federation is;
  std::string claims;
};

}  // namespace

Stored<OAuthClient> SqliteStore::create_oauth_client(OAuthClient client, AuditEntry audit) {
  const FederationColumns federation(client);
  return db_.transaction<OAuthClient>([&]() -> Stored<OAuthClient> {
    auto inserted = db_.run(
        "INSERT INTO oauth_clients (public_id, account_id, user_id, secret_sha256, scopes, tags, "
        "description, created, updated, issuer, subject, audience, claims) "
        "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
        {client.public_id, client.account, client.user, Bytes(client.secret),
         words_column(client.scopes), words_column(client.tags), client.description,
         to_rfc3339(client.created), to_rfc3339(client.updated), federation.is.issuer,
         federation.is.subject, federation.is.audience, federation.claims});
    if (!inserted) return inserted.error();
    client.id = OAuthClientId{db_.last_row_id()};
    if (auto written = log(audit); !written) return written.error();
    return client;
  });
}

Stored<void> SqliteStore::update_oauth_client(const OAuthClient& client, const AuditEntry& audit) {
  const FederationColumns federation(client);
  return db_.transaction<void>([&]() -> Stored<void> {
    auto updated = change_one(
        "UPDATE oauth_clients SET scopes = ?, tags = ?, description = ?, updated = ?, issuer = ?, "
        "subject = ?, audience = ?, claims = ? WHERE id = ? AND revoked IS NULL",
        {words_column(client.scopes), words_column(client.tags), client.description,
         to_rfc3339(client.updated), federation.is.issuer, federation.is.subject,
         federation.is.audience, federation.claims, client.id});
    if (!updated) return updated;
    return log(audit);
  });
}

Stored<void> SqliteStore::revoke_oauth_client(
    const OAuthClient& client, WallTime now, const AuditEntry& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    auto revoked = change_one(
        "UPDATE oauth_clients SET revoked = ? WHERE id = ? AND revoked IS NULL",
        {to_rfc3339(now), client.id});
    if (!revoked) return revoked;
    auto ended = db_.run("DELETE FROM access_tokens WHERE client = ?", {client.public_id});
    if (!ended) return ended;
    return log(audit);
  });
}

Stored<void> SqliteStore::create_access_token(const AccessToken& token) {
  return db_.transaction<void>([&]() -> Stored<void> {
    auto cleaned =
        db_.run("DELETE FROM access_tokens WHERE expires < ?", {to_rfc3339(token.created)});
    if (!cleaned) return cleaned;
    return db_.run(
        "INSERT INTO access_tokens (public_id, client, secret_sha256, scopes, tags, created, "
        "expires) VALUES (?,?,?,?,?,?,?)",
        {token.public_id, token.client, Bytes(token.secret), words_column(token.scopes),
         words_column(token.tags), to_rfc3339(token.created), to_rfc3339(token.expires)});
  });
}

}  // namespace aya::store
