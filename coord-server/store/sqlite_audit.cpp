#include <algorithm>

#include "coord-server/store/audit_chain.h"
#include "coord-server/store/sqlite_tables.h"

namespace aya::store {
namespace {

const char* line_columns() {
  static const std::string kColumns = std::string("id, ") + kAuditColumns + ", hash";
  return kColumns.c_str();
}

AuditLine read_audit_line(RowReader& row) {
  AuditLine out;
  out.number = row.integer();
  out.entry = read_audit(row);
  out.hash = row.hash();
  return out;
}

}  // namespace

Stored<void> SqliteStore::log(const AuditEntry& a) {
  audit_moved_ = true;
  auto written = chain(a);
  if (!written) ++audit_failed_;
  return written;
}

// The head is read and written within one transaction, and there is one at a time: no two lines
// follow the same one.
Stored<void> SqliteStore::chain(const AuditEntry& a) {
  AuditHash before = kBeforeTheFirst;
  auto read = db_.rows(
      "SELECT hash FROM audit_heads WHERE account_id = ?", {a.account},
      [&](const SqlRow& row) { before = hash_in(row.blob(0)); });
  if (!read) return read;
  const std::string time = to_rfc3339(a.time);
  const std::array<std::string_view, kAuditTexts> texts = {
      time,       a.origin,    a.actor,     a.action,  a.target_type, a.target_id, a.target_name,
      a.property, a.old_value, a.new_value, a.details, a.group,       a.source};
  const AuditHash hash = chained(before, a.account, texts);
  auto written = db_.run(
      "INSERT INTO audit_log (account_id, time, origin, actor, action, target_type, target_id, "
      "target_name, property, old_value, new_value, details, event_group, source, prev_hash, hash) "
      "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
      {a.account, texts[0], texts[1], texts[2], texts[3], texts[4], texts[5], texts[6], texts[7],
       texts[8], texts[9], texts[10], texts[11], texts[12], Bytes(before), Bytes(hash)});
  if (!written) return written;
  return db_.run(
      "INSERT INTO audit_heads (account_id, hash) VALUES (?, ?) "
      "ON CONFLICT (account_id) DO UPDATE SET hash = excluded.hash",
      {a.account, Bytes(hash)});
}

Stored<void> SqliteStore::add_audit_entry(const AuditEntry& audit) {
  return db_.transaction<void>([&] { return log(audit); });
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

Stored<std::vector<AuditLine>> SqliteStore::audit_after(std::int64_t line, std::size_t limit) {
  return all(
      read_audit_line, line_columns(), "audit_log WHERE id > ? ORDER BY id LIMIT ?",
      {line, static_cast<std::int64_t>(limit)});
}

Stored<std::vector<AuditLine>> SqliteStore::audit_of_after(
    AccountId account, std::int64_t line, std::size_t limit) {
  return all(
      read_audit_line, line_columns(),
      "audit_log WHERE account_id = ? AND id > ? ORDER BY id LIMIT ?",
      {account, line, static_cast<std::int64_t>(limit)});
}

// Not what was written last: a transaction may have been rolled back, and its number is used again.
std::int64_t SqliteStore::newest_audit_line() {
  if (!audit_moved_) return newest_audit_line_;
  auto read = db_.rows("SELECT COALESCE(MAX(id), 0) FROM audit_log", {}, [&](const SqlRow& row) {
    newest_audit_line_ = row.integer(0);
  });
  audit_moved_ = !read;
  return newest_audit_line_;
}

Stored<AuditWalk> SqliteStore::check_audit(
    AccountId account, std::int64_t after, std::size_t limit) {
  return walk_chain(db_, account, after, limit);
}

}  // namespace aya::store
