#include "coord-server/store/sqlite_store.h"

#include <algorithm>

#include "coord-server/store/migrations.h"
#include "coord-server/store/sqlite_rows.h"

namespace aya::store {
namespace {

class SqliteStore final : public Store {
 public:
  explicit SqliteStore(std::unique_ptr<SqliteDatabase> database)
      : database_(std::move(database)), db_(*database_) {}

  Stored<std::vector<Account>> accounts() override {
    return all(read_account, kAccountColumns, "accounts ORDER BY id", {});
  }
  Stored<std::vector<User>> users() override {
    return all(read_user, kUserColumns, "users ORDER BY id", {});
  }
  Stored<std::vector<NodeRecord>> nodes() override {
    return all(
        read_node, kNodeColumns, "nodes JOIN node_addresses ON node_id = id ORDER BY id", {});
  }
  Stored<std::vector<Quarantine>> quarantines(WallTime now) override;

  Stored<std::optional<std::string>> server_value(std::string_view name) override;
  Stored<void> set_server_value(std::string_view name, std::string_view value) override;

  Stored<Account> create_account(Account account) override;
  Stored<void> update_dns(
      AccountId account, const control::DnsConfig& dns, const AuditEntry& audit) override;
  Stored<User> create_user(User user, AuditEntry audit) override;

  Stored<NodeRecord> create_node(
      NodeRecord node, std::optional<AuthKeyId> redeemed, AuditEntry audit) override;
  Stored<void> update_node(
      const NodeRecord& node, std::optional<AuthKeyId> redeemed,
      const std::optional<AuditEntry>& audit) override;
  Stored<void> change_ipv4(
      NodeId node, const IpAddress& to, WallTime free_again, const AuditEntry& audit) override;
  Stored<void> delete_node(NodeId node, WallTime free_again, const AuditEntry& audit) override;
  Stored<void> save_live(std::span<const std::pair<NodeId, const NodeLive*>> nodes) override;

  Stored<AuthKey> create_auth_key(AuthKey key, AuditEntry audit) override;
  Stored<std::optional<AuthKey>> auth_key(std::string_view public_id) override {
    return first(all(read_auth_key, kAuthKeyColumns, "auth_keys WHERE public_id = ?", {public_id}));
  }
  Stored<std::vector<AuthKey>> auth_keys(AccountId account) override {
    return all(
        read_auth_key, kAuthKeyColumns, "auth_keys WHERE account_id = ? ORDER BY id", {account});
  }
  Stored<void> revoke_auth_key(AuthKeyId key, WallTime now, const AuditEntry& audit) override {
    return revoke(
        "UPDATE auth_keys SET revoked = ? WHERE id = ? AND revoked IS NULL", key.value, now, audit);
  }

  Stored<ApiToken> create_api_token(ApiToken token, AuditEntry audit) override;
  Stored<std::optional<ApiToken>> api_token(std::string_view public_id) override {
    return first(
        all(read_api_token, kApiTokenColumns, "api_tokens WHERE public_id = ?", {public_id}));
  }
  Stored<std::vector<ApiToken>> api_tokens(AccountId account) override {
    return all(
        read_api_token, kApiTokenColumns, "api_tokens WHERE account_id = ? ORDER BY id", {account});
  }
  Stored<void> revoke_api_token(ApiTokenId token, WallTime now, const AuditEntry& audit) override {
    return revoke(
        "UPDATE api_tokens SET revoked = ? WHERE id = ? AND revoked IS NULL", token.value, now,
        audit);
  }

  Stored<std::vector<AuditEntry>> audit_log(AccountId account, std::size_t limit) override;
  Stored<void> probe_write() override {
    return set_server_value("probe", "written to see whether the disk takes it");
  }

 private:
  // Every row of `from` (a table and what follows it), read by `read`.
  template <class T>
  Stored<std::vector<T>> all(
      T (*read)(RowReader&), const char* columns, const std::string& from,
      SqliteDatabase::Values values) {
    std::vector<T> rows;
    bool damaged = false;
    const std::string query = "SELECT " + std::string(columns) + " FROM " + from;
    auto walked = db_.rows(query.c_str(), values, [&](const SqlRow& row) {
      RowReader reader(row);
      rows.push_back(read(reader));
      damaged = damaged || reader.failed();
    });
    if (!walked) return walked.error();
    if (damaged) return StoreError{StoreError::Kind::Damaged, "unreadable row in " + from};
    return rows;
  }

  template <class T>
  static Stored<std::optional<T>> first(Stored<std::vector<T>> rows) {
    if (!rows) return rows.error();
    if (rows->empty()) return std::optional<T>();
    return std::optional<T>(std::move(rows->front()));
  }

  Stored<void> log(const AuditEntry& audit);
  Stored<void> redeem(std::optional<AuthKeyId> key);
  Stored<void> quarantine_address_of(NodeId node, WallTime until);
  Stored<void> revoke(
      const char* statement, std::int64_t id, WallTime now, const AuditEntry& audit);
  Stored<void> change_one(const char* statement, SqliteDatabase::Values values);

  std::unique_ptr<SqliteDatabase> database_;
  SqliteDatabase& db_;
};

// A statement that must hit exactly one row.
Stored<void> SqliteStore::change_one(const char* statement, SqliteDatabase::Values values) {
  if (auto ran = db_.run(statement, values); !ran) return ran;
  if (db_.changed_rows() == 0) return StoreError{StoreError::Kind::NotFound, "no such row"};
  return {};
}

Stored<void> SqliteStore::log(const AuditEntry& a) {
  return db_.run(
      "INSERT INTO audit_log (account_id, time, origin, actor, action, target_type, target_id, "
      "target_name, property, old_value, new_value, details) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
      {a.account, to_rfc3339(a.time), a.origin, a.actor, a.action, a.target_type, a.target_id,
       a.target_name, a.property, a.old_value, a.new_value, a.details});
}

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

Stored<std::vector<Quarantine>> SqliteStore::quarantines(WallTime now) {
  auto cleaned = db_.run("DELETE FROM quarantine WHERE until <= ?", {to_rfc3339(now)});
  if (!cleaned) return cleaned.error();
  return all(read_quarantine, kQuarantineColumns, "quarantine", {});
}

Stored<std::optional<std::string>> SqliteStore::server_value(std::string_view name) {
  std::optional<std::string> value;
  auto walked = db_.rows(
      "SELECT value FROM server_values WHERE name = ?", {name},
      [&](const SqlRow& row) { value = std::string(row.text(0)); });
  if (!walked) return walked.error();
  return value;
}

Stored<void> SqliteStore::set_server_value(std::string_view name, std::string_view value) {
  return db_.run(
      "INSERT INTO server_values (name, value) VALUES (?, ?) "
      "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
      {name, value});
}

Stored<Account> SqliteStore::create_account(Account account) {
  auto inserted = db_.run(
      "INSERT INTO accounts (name, domain, created, dns) VALUES (?,?,?,?)",
      {account.name, account.domain, to_rfc3339(account.created), dns_column(account.dns)});
  if (!inserted) return inserted.error();
  account.id = AccountId{db_.last_row_id()};
  return account;
}

Stored<void> SqliteStore::update_dns(
    AccountId account, const control::DnsConfig& dns, const AuditEntry& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    auto updated =
        change_one("UPDATE accounts SET dns = ? WHERE id = ?", {dns_column(dns), account});
    if (!updated) return updated;
    return log(audit);
  });
}

Stored<User> SqliteStore::create_user(User user, AuditEntry audit) {
  return db_.transaction<User>([&]() -> Stored<User> {
    auto inserted = db_.run(
        "INSERT INTO users (account_id, login, display_name, role, created) VALUES (?,?,?,?,?)",
        {user.account, user.login, user.display_name, user.role, to_rfc3339(user.created)});
    if (!inserted) return inserted.error();
    user.id = UserId{db_.last_row_id()};
    audit.target_id = std::to_string(user.id.value);
    if (auto logged = log(audit); !logged) return logged.error();
    return user;
  });
}

Stored<NodeRecord> SqliteStore::create_node(
    NodeRecord node, std::optional<AuthKeyId> redeemed, AuditEntry audit) {
  return db_.transaction<NodeRecord>([&]() -> Stored<NodeRecord> {
    if (auto used = redeem(redeemed); !used) return used.error();
    auto inserted = db_.run(
        "INSERT INTO nodes (account_id, user_id, stable_id, machine_key, node_key, label, "
        "label_is_chosen, ephemeral, authorized, created, key_expiry, disco_key, endpoints, "
        "home_region, capver, hostinfo, last_seen, approved_routes, answers_subdomains, "
        "primary_routes) "
        "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        {node.account,
         node.user,
         node.stable_id,
         node.machine.to_text(),
         node.node_key.to_text(),
         node.label,
         node.label_is_chosen,
         node.ephemeral,
         node.authorized,
         to_rfc3339(node.created),
         TimeColumn(node.key_expiry).value(),
         node.live.disco_key.to_text(),
         endpoints_column(node.live.endpoints),
         node.live.home_region,
         node.live.capver,
         hostinfo_column(node.live.hostinfo),
         TimeColumn(node.live.last_seen).value(),
         prefixes_column(node.approved_routes),
         node.answers_subdomains,
         prefixes_column(node.live.primary_routes)});
    if (!inserted) return inserted.error();
    node.id = NodeId{db_.last_row_id()};
    auto addressed = db_.run(
        "INSERT INTO node_addresses (node_id, account_id, ipv4, ipv6) VALUES (?,?,?,?)",
        {node.id, node.account, node.ipv4.to_text(), node.ipv6.to_text()});
    if (!addressed) return addressed.error();
    audit.target_id = node.stable_id;
    if (auto logged = log(audit); !logged) return logged.error();
    return node;
  });
}

Stored<void> SqliteStore::update_node(
    const NodeRecord& node, std::optional<AuthKeyId> redeemed,
    const std::optional<AuditEntry>& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    if (auto used = redeem(redeemed); !used) return used;
    auto updated = change_one(
        "UPDATE nodes SET user_id = ?, node_key = ?, label = ?, label_is_chosen = ?, "
        "ephemeral = ?, authorized = ?, key_expiry = ?, disco_key = ?, endpoints = ?, "
        "home_region = ?, capver = ?, hostinfo = ?, last_seen = ?, approved_routes = ?, "
        "answers_subdomains = ?, primary_routes = ? WHERE id = ?",
        {node.user, node.node_key.to_text(), node.label, node.label_is_chosen, node.ephemeral,
         node.authorized, TimeColumn(node.key_expiry).value(), node.live.disco_key.to_text(),
         endpoints_column(node.live.endpoints), node.live.home_region, node.live.capver,
         hostinfo_column(node.live.hostinfo), TimeColumn(node.live.last_seen).value(),
         prefixes_column(node.approved_routes), node.answers_subdomains,
         prefixes_column(node.live.primary_routes), node.id});
    if (!updated) return updated;
    return audit ? log(*audit) : Stored<void>();
  });
}

Stored<void> SqliteStore::quarantine_address_of(NodeId node, WallTime until) {
  return db_.run(
      "INSERT OR REPLACE INTO quarantine (account_id, ipv4, former_node, until) "
      "SELECT account_id, ipv4, node_id, ? FROM node_addresses WHERE node_id = ?",
      {to_rfc3339(until), node});
}

Stored<void> SqliteStore::change_ipv4(
    NodeId node, const IpAddress& to, WallTime free_again, const AuditEntry& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    if (auto kept = quarantine_address_of(node, free_again); !kept) return kept;
    auto moved =
        change_one("UPDATE node_addresses SET ipv4 = ? WHERE node_id = ?", {to.to_text(), node});
    if (!moved) return moved;
    auto released = db_.run(
        "DELETE FROM quarantine WHERE ipv4 = ? AND account_id = "
        "(SELECT account_id FROM node_addresses WHERE node_id = ?)",
        {to.to_text(), node});
    if (!released) return released;
    return log(audit);
  });
}

Stored<void> SqliteStore::delete_node(NodeId node, WallTime free_again, const AuditEntry& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    if (auto kept = quarantine_address_of(node, free_again); !kept) return kept;
    if (auto gone = change_one("DELETE FROM nodes WHERE id = ?", {node}); !gone) return gone;
    return log(audit);
  });
}

Stored<void> SqliteStore::save_live(std::span<const std::pair<NodeId, const NodeLive*>> nodes) {
  return db_.transaction<void>([&]() -> Stored<void> {
    for (const auto& [id, live] : nodes) {
      auto saved = db_.run(
          "UPDATE nodes SET disco_key = ?, endpoints = ?, home_region = ?, capver = ?, "
          "hostinfo = ?, last_seen = ?, primary_routes = ? WHERE id = ?",
          {live->disco_key.to_text(), endpoints_column(live->endpoints), live->home_region,
           live->capver, hostinfo_column(live->hostinfo), TimeColumn(live->last_seen).value(),
           prefixes_column(live->primary_routes), id});
      if (!saved) return saved;
    }
    return {};
  });
}

Stored<AuthKey> SqliteStore::create_auth_key(AuthKey key, AuditEntry audit) {
  return db_.transaction<AuthKey>([&]() -> Stored<AuthKey> {
    auto inserted = db_.run(
        "INSERT INTO auth_keys (public_id, account_id, user_id, secret_sha256, reusable, "
        "ephemeral, preauthorized, description, created, expires) VALUES (?,?,?,?,?,?,?,?,?,?)",
        {key.public_id, key.account, key.user, Bytes(key.secret), key.reusable, key.ephemeral,
         key.preauthorized, key.description, to_rfc3339(key.created), to_rfc3339(key.expires)});
    if (!inserted) return inserted.error();
    key.id = AuthKeyId{db_.last_row_id()};
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

Stored<std::vector<AuditEntry>> SqliteStore::audit_log(AccountId account, std::size_t limit) {
  auto newest_first =
      all(read_audit, kAuditColumns, "audit_log WHERE account_id = ? ORDER BY id DESC LIMIT ?",
          {account, static_cast<std::int64_t>(limit)});
  if (newest_first) std::reverse(newest_first->begin(), newest_first->end());
  return newest_first;
}

}  // namespace

std::string StoreError::to_text() const {
  switch (kind) {
    case Kind::Taken:
      return "already taken: " + detail;
    case Kind::NotFound:
      return "not found: " + detail;
    case Kind::Spent:
      return detail;
    case Kind::DiskFull:
      return "the disk is full; free some space and try again (" + detail + ")";
    case Kind::Denied:
      return "no permission for the database; check owner and mode (" + detail + ")";
    case Kind::Damaged:
      return "the database cannot be used; restore a backup (" + detail + ")";
    case Kind::Failed:
      break;
  }
  return "the database failed: " + detail;
}

Stored<std::unique_ptr<Store>> open_sqlite_store(const std::string& path) {
  auto database = SqliteDatabase::open(path);
  if (!database) return database.error();
  if (auto migrated = migrate(**database); !migrated) return migrated.error();
  return std::unique_ptr<Store>(std::make_unique<SqliteStore>(std::move(*database)));
}

}  // namespace aya::store
