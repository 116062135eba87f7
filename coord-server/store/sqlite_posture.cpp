#include "coord-server/store/sqlite_tables.h"

namespace aya::store {
namespace {

constexpr const char* kColumns =
    "id, public_id, account_id, provider, cloud, client, tenant, secret, changed, synced, trouble, "
    "hosts, matched, possible";

PostureIntegration read_integration(RowReader& row) {
  PostureIntegration out;
  out.id = row.id<PostureIntegrationId>();
  out.public_id = row.text();
  out.account = row.id<AccountId>();
  out.provider = row.text();
  out.access.cloud = row.text();
  out.access.client = row.text();
  out.access.tenant = row.text();
  out.access.secret = row.text();
  out.changed = row.time();
  out.synced = row.optional_time();
  out.trouble = row.text();
  out.hosts = row.integer();
  out.matched = row.integer();
  out.possible = row.integer();
  return out;
}

}  // namespace

Stored<std::vector<PostureIntegration>> SqliteStore::posture_integrations() {
  return all(read_integration, kColumns, "posture_integrations ORDER BY id", {});
}

Stored<PostureIntegration> SqliteStore::create_posture_integration(
    PostureIntegration integration, const AuditEntry& audit) {
  return db_.transaction<PostureIntegration>([&]() -> Stored<PostureIntegration> {
    const PostureAccess& access = integration.access;
    auto inserted = db_.run(
        "INSERT INTO posture_integrations (public_id, account_id, provider, cloud, client, tenant, "
        "secret, changed) VALUES (?,?,?,?,?,?,?,?)",
        {integration.public_id, integration.account, integration.provider, access.cloud,
         access.client, access.tenant, access.secret, to_rfc3339(integration.changed)});
    if (!inserted) return inserted.error();
    integration.id = PostureIntegrationId{db_.last_row_id()};
    if (auto logged = log(audit); !logged) return logged.error();
    return integration;
  });
}

Stored<void> SqliteStore::update_posture_integration(
    const PostureIntegration& integration, const AuditEntry& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    const PostureAccess& access = integration.access;
    auto changed = change_one(
        "UPDATE posture_integrations SET cloud = ?, client = ?, tenant = ?, secret = ?, "
        "changed = ? WHERE id = ?",
        {access.cloud, access.client, access.tenant, access.secret,
         to_rfc3339(integration.changed), integration.id});
    return changed ? log(audit) : changed;
  });
}

Stored<void> SqliteStore::remove_posture_integration(
    PostureIntegrationId id, const AuditEntry& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    auto gone = change_one("DELETE FROM posture_integrations WHERE id = ?", {id});
    return gone ? log(audit) : gone;
  });
}

Stored<void> SqliteStore::note_posture_sync(const PostureIntegration& integration) {
  const TimeColumn synced(integration.synced);
  return change_one(
      "UPDATE posture_integrations SET synced = ?, trouble = ?, hosts = ?, matched = ?, "
      "possible = ? WHERE id = ?",
      {synced.value(), integration.trouble, integration.hosts, integration.matched,
       integration.possible, integration.id});
}

}  // namespace aya::store
