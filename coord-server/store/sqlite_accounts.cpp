#include "coord-server/store/sqlite_tables.h"

namespace aya::store {

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

Stored<void> SqliteStore::update_settings(
    AccountId account, const AccountSettings& s, const AuditEntry& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    auto updated = change_one(
        "UPDATE accounts SET devices_approval = ?, devices_key_days = ?, users_approval = ?, "
        "policy_elsewhere = ?, policy_link = ?, users_may_join = ?, auto_updates = ?, "
        "flow_logging = ?, regional_routing = ?, posture_identity = ?, https = ? WHERE id = ?",
        {s.devices_approval, s.devices_key_days, s.users_approval, s.policy_elsewhere,
         s.policy_link, s.users_may_join, s.auto_updates, s.flow_logging, s.regional_routing,
         s.posture_identity, s.https, account});
    if (!updated) return updated;
    return log(audit);
  });
}

// The row stays, for the log's sake; its name and domain are free again.
Stored<void> SqliteStore::remove_account(AccountId account, const AuditEntry& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    for (const char* statement :
         {"DELETE FROM access_tokens WHERE client IN "
          "(SELECT public_id FROM oauth_clients WHERE account_id = ?)",
          "DELETE FROM oauth_clients WHERE account_id = ?",
          "DELETE FROM auth_keys WHERE account_id = ?",
          "DELETE FROM api_tokens WHERE account_id = ?",
          "DELETE FROM quarantine WHERE account_id = ?",
          "DELETE FROM webhooks WHERE account_id = ?",
          "DELETE FROM log_streams WHERE account_id = ?",
          "DELETE FROM posture_integrations WHERE account_id = ?",
          "DELETE FROM services WHERE account_id = ?",
          "DELETE FROM user_invites WHERE account_id = ?",
          "DELETE FROM waiting_contacts WHERE account_id = ?",
          "DELETE FROM users WHERE account_id = ?"}) {
      if (auto gone = db_.run(statement, {account}); !gone) return gone;
    }
    auto removed = change_one(
        "UPDATE accounts SET removed = ?, name = name || '~' || id, domain = domain || '~' || id "
        "WHERE id = ? AND removed IS NULL",
        {to_rfc3339(audit.time), account});
    if (!removed) return removed;
    return log(audit);
  });
}

Stored<User> SqliteStore::create_user(User user, AuditEntry audit, const FirstLogin& how) {
  return db_.transaction<User>([&]() -> Stored<User> {
    auto inserted = db_.run(
        "INSERT INTO users (account_id, login, display_name, role, created, status) "
        "VALUES (?,?,?,?,?,?)",
        {user.account, user.login, user.display_name, user.role, to_rfc3339(user.created),
         user.status});
    if (!inserted) return inserted.error();
    user.id = UserId{db_.last_row_id()};
    if (auto in = let_in(user.id, how); !in) return in.error();
    audit.target_id = to_text(user.id);
    if (auto logged = log(audit); !logged) return logged.error();
    return user;
  });
}

}  // namespace aya::store
