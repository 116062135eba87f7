#include <algorithm>

#include "coord-server/store/sqlite_tables.h"

namespace aya::store {

Stored<void> SqliteStore::log(const AuditEntry& a) {
  audit_moved_ = true;
  auto written = db_.run(
      "INSERT INTO audit_log (account_id, time, origin, actor, action, target_type, target_id, "
      "target_name, property, old_value, new_value, details, event_group, source) "
      "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
      {a.account, to_rfc3339(a.time), a.origin, a.actor, a.action, a.target_type, a.target_id,
       a.target_name, a.property, a.old_value, a.new_value, a.details, a.group, a.source});
  if (!written) ++audit_failed_;
  return written;
}

StoreFigures SqliteStore::figures() {
  return {db_.times(), db_.failed(), audit_failed_, db_.size_bytes()};
}

Stored<void> SqliteStore::log_all(const std::vector<AuditEntry>& audit) {
  for (const AuditEntry& entry : audit) {
    if (auto logged = log(entry); !logged) return logged;
  }
  return {};
}

// Times are compared as instants: as texts, "…00Z" would come after "…00.5Z".
Stored<std::vector<AuditEntry>> SqliteStore::audit_log(
    AccountId account, const AuditQuery& wanted, std::size_t limit) {
  constexpr auto kSecond = std::chrono::seconds(1);
  const std::string from = wanted.from ? to_rfc3339(*wanted.from - kSecond) : "";
  const std::string to = wanted.to ? to_rfc3339(*wanted.to + kSecond) : "9999";
  auto lines = all(
      read_audit, kAuditColumns,
      "audit_log WHERE account_id = ? AND time >= ? AND time <= ? "
      "AND (? = '' OR json_extract(actor, '$.id') = ? OR json_extract(actor, '$.loginName') = ?) "
      "AND (? = '' OR target_id = ? OR target_name = ?) "
      "AND (? = '' OR action = ? OR target_type || '.' || action = ? "
      "OR target_type || '.' || action || '.' || property = ?) ORDER BY id DESC LIMIT ?",
      {account, from, to, wanted.actor, wanted.actor, wanted.actor, wanted.target, wanted.target,
       wanted.target, wanted.event, wanted.event, wanted.event, wanted.event,
       static_cast<std::int64_t>(limit)});
  if (!lines) return lines;
  std::erase_if(*lines, [&](const AuditEntry& line) {
    return (wanted.from && line.time < *wanted.from) || (wanted.to && line.time > *wanted.to);
  });
  std::reverse(lines->begin(), lines->end());
  return lines;
}

}  // namespace aya::store
