#include "coord-server/store/sqlite_tables.h"

namespace aya::store {

Stored<void> SqliteStore::log(const AuditEntry& a) {
  return db_.run(
      "INSERT INTO audit_log (account_id, time, origin, actor, action, target_type, target_id, "
      "target_name, property, old_value, new_value, details) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
      {a.account, to_rfc3339(a.time), a.origin, a.actor, a.action, a.target_type, a.target_id,
       a.target_name, a.property, a.old_value, a.new_value, a.details});
}

Stored<std::vector<AuditEntry>> SqliteStore::audit_log(AccountId account, std::size_t limit) {
  auto newest_first =
      all(read_audit, kAuditColumns, "audit_log WHERE account_id = ? ORDER BY id DESC LIMIT ?",
          {account, static_cast<std::int64_t>(limit)});
  if (newest_first) std::reverse(newest_first->begin(), newest_first->end());
  return newest_first;
}

}  // namespace aya::store
