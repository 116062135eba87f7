#include "coord-server/store/sqlite_tables.h"

namespace aya::store {
namespace {

constexpr const char* kWebhookColumns =
    "id, public_id, account_id, url, provider, subscriptions, secret, creator, created, modified, "
    "told_line, told_time";

Webhook read_webhook(RowReader& row) {
  Webhook out;
  out.id = row.id<WebhookId>();
  out.public_id = row.text();
  out.account = row.id<AccountId>();
  out.url = row.text();
  out.provider = row.text();
  out.subscriptions = row.words();
  out.secret = row.text();
  out.creator = row.text();
  out.created = row.time();
  out.modified = row.time();
  out.told_line = row.integer();
  out.told_time = row.time();
  return out;
}

}  // namespace

Stored<std::vector<Webhook>> SqliteStore::webhooks() {
  return all(read_webhook, kWebhookColumns, "webhooks ORDER BY id", {});
}

Stored<Webhook> SqliteStore::create_webhook(Webhook webhook, const AuditEntry& audit) {
  return db_.transaction<Webhook>([&]() -> Stored<Webhook> {
    auto inserted = db_.run(
        "INSERT INTO webhooks (public_id, account_id, url, provider, subscriptions, secret, "
        "creator, created, modified, told_line, told_time) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
        {webhook.public_id, webhook.account, webhook.url, webhook.provider,
         words_column(webhook.subscriptions), webhook.secret, webhook.creator,
         to_rfc3339(webhook.created), to_rfc3339(webhook.modified), webhook.told_line,
         to_rfc3339(webhook.told_time)});
    if (!inserted) return inserted.error();
    webhook.id = WebhookId{db_.last_row_id()};
    if (auto logged = log(audit); !logged) return logged.error();
    return webhook;
  });
}

Stored<void> SqliteStore::update_webhook(const Webhook& webhook, const AuditEntry& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    auto changed = change_one(
        "UPDATE webhooks SET subscriptions = ?, secret = ?, modified = ? WHERE id = ?",
        {words_column(webhook.subscriptions), webhook.secret, to_rfc3339(webhook.modified),
         webhook.id});
    return changed ? log(audit) : changed;
  });
}

Stored<void> SqliteStore::remove_webhook(WebhookId id, const AuditEntry& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    auto gone = change_one("DELETE FROM webhooks WHERE id = ?", {id});
    return gone ? log(audit) : gone;
  });
}

Stored<void> SqliteStore::note_told(const Webhook& webhook) {
  return change_one(
      "UPDATE webhooks SET told_line = ?, told_time = ? WHERE id = ?",
      {webhook.told_line, to_rfc3339(webhook.told_time), webhook.id});
}

}  // namespace aya::store
