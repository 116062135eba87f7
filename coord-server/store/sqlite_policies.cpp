#include "coord-server/store/sqlite_tables.h"

namespace aya::store {
namespace {

constexpr const char* kPolicyColumns = "account_id, version, text, author, created";

PolicyVersion read_policy_version(RowReader& row) {
  PolicyVersion out;
  out.account = row.id<AccountId>();
  out.version = row.integer();
  out.text = row.text();
  out.author = row.text();
  out.created = row.time();
  return out;
}

}  // namespace

Stored<PolicyVersion> SqliteStore::set_policy(PolicyVersion policy, const AuditEntry& audit) {
  return db_.transaction<PolicyVersion>([&]() -> Stored<PolicyVersion> {
    auto counted = db_.rows(
        "SELECT coalesce(max(version), 0) + 1 FROM policies WHERE account_id = ?", {policy.account},
        [&](const SqlRow& row) { policy.version = row.integer(0); });
    if (!counted) return counted.error();
    auto inserted = db_.run(
        "INSERT INTO policies (account_id, version, text, author, created) VALUES (?,?,?,?,?)",
        {policy.account, policy.version, policy.text, policy.author, to_rfc3339(policy.created)});
    if (!inserted) return inserted.error();
    auto updated =
        change_one("UPDATE accounts SET policy = ? WHERE id = ?", {policy.text, policy.account});
    if (!updated) return updated.error();
    if (auto logged = log(audit); !logged) return logged.error();
    return policy;
  });
}

Stored<std::vector<PolicyVersion>> SqliteStore::policy_versions(AccountId account) {
  return all(
      read_policy_version, kPolicyColumns, "policies WHERE account_id = ? ORDER BY version",
      {account});
}

}  // namespace aya::store
