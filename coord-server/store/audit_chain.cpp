#include "coord-server/store/audit_chain.h"

#include <map>

#include "coord-server/store/sqlite_rows.h"
#include "proto/crypto/sha256.h"

namespace aya::store {
namespace {

constexpr std::size_t kLinesAtOnce = 500;
constexpr int kColumnsOfAccount = 1;  // in kAuditColumns, before the texts

void put_number(Buffer& out, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<std::byte>(number >> shift));
}

std::vector<std::string_view> texts_of(const SqlRow& row, int from) {
  std::vector<std::string_view> out;
  for (int i = 0; i < kAuditTexts; ++i) out.push_back(row.text(from + i));
  return out;
}

Stored<AuditHash> one_hash(
    SqliteDatabase& database, const char* query, SqliteDatabase::Values values) {
  AuditHash out = kBeforeTheFirst;
  auto read = database.rows(query, values, [&](const SqlRow& row) { out = hash_in(row.blob(0)); });
  if (!read) return read.error();
  return out;
}

}  // namespace

AuditHash hash_in(Bytes blob) {
  AuditHash out = kBeforeTheFirst;
  if (blob.size() == out.size()) copy_bytes(out, blob);
  return out;
}

AuditHash chained(
    const AuditHash& before, AccountId account, std::span<const std::string_view> columns) {
  Buffer text(before.begin(), before.end());
  put_number(text, static_cast<std::uint64_t>(account.value));
  // With their lengths: no text can be taken for the end of one and the beginning of the next.
  for (const std::string_view column : columns) {
    put_number(text, column.size());
    const Bytes bytes = as_bytes(column);
    text.insert(text.end(), bytes.begin(), bytes.end());
  }
  return crypto::sha256(text);
}

Stored<void> chain_old_lines(SqliteDatabase& database) {
  struct Line {
    std::int64_t number;
    AuditHash before, hash;
  };
  static const std::string query = std::string("SELECT id, ") + kAuditColumns +
                                   " FROM audit_log WHERE id > ? ORDER BY id LIMIT ?";
  std::map<AccountId, AuditHash> heads;
  for (std::int64_t reached = 0;;) {
    std::vector<Line> lines;
    auto read = database.rows(
        query.c_str(), {reached, static_cast<std::int64_t>(kLinesAtOnce)}, [&](const SqlRow& row) {
          const AccountId account{row.integer(1)};
          AuditHash& head = heads[account];
          const AuditHash before = head;
          head = chained(before, account, texts_of(row, 1 + kColumnsOfAccount));
          lines.push_back({row.integer(0), before, head});
        });
    if (!read) return read;
    if (lines.empty()) break;
    for (const Line& line : lines) {
      auto written = database.run(
          "UPDATE audit_log SET prev_hash = ?, hash = ? WHERE id = ?",
          {Bytes(line.before), Bytes(line.hash), line.number});
      if (!written) return written;
    }
    reached = lines.back().number;
  }
  for (const auto& [account, head] : heads) {
    auto written = database.run(
        "INSERT INTO audit_heads (account_id, hash) VALUES (?, ?)", {account, Bytes(head)});
    if (!written) return written;
  }
  return {};
}

Stored<AuditWalk> walk_chain(
    SqliteDatabase& database, AccountId account, std::int64_t after, std::size_t limit) {
  static const std::string query = std::string("SELECT id, prev_hash, hash, ") + kAuditColumns +
                                   " FROM audit_log WHERE account_id = ? AND id > ? "
                                   "ORDER BY id LIMIT ?";
  AuditWalk out;
  out.up_to = after;
  auto before = one_hash(
      database,
      "SELECT hash FROM audit_log WHERE account_id = ? AND id <= ? ORDER BY id DESC LIMIT 1",
      {account, after});
  if (!before) return before.error();
  out.hash = *before;
  auto read = database.rows(
      query.c_str(), {account, after, static_cast<std::int64_t>(limit)}, [&](const SqlRow& row) {
        const std::int64_t number = row.integer(0);
        const AuditHash claimed_before = hash_in(row.blob(1)), hash = hash_in(row.blob(2));
        const AccountId of{row.integer(3)};
        if (claimed_before != out.hash) {
          out.faults.push_back({AuditFault::Kind::Misplaced, number});
        }
        if (chained(claimed_before, of, texts_of(row, 3 + kColumnsOfAccount)) != hash) {
          out.faults.push_back({AuditFault::Kind::Changed, number});
        }
        out.hash = hash;
        out.up_to = number;
        ++out.lines;
      });
  if (!read) return read.error();
  out.at_end = out.lines < limit;
  if (!out.at_end) return out;
  auto head = one_hash(database, "SELECT hash FROM audit_heads WHERE account_id = ?", {account});
  if (!head) return head.error();
  if (*head != out.hash) out.faults.push_back({AuditFault::Kind::CutOff, out.up_to});
  return out;
}

}  // namespace aya::store
