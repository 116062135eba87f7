#include "coord-server/store/sqlite_tables.h"

namespace aya::store {
namespace {

constexpr const char* kFlowColumns = "id, node, logged, start, traffic";
// What a row takes besides its text, about.
constexpr std::int64_t kRowBytes = 100;
// A piece of pruning: some milliseconds for nothing else.
constexpr int kPieceRows = 500;
constexpr std::int64_t kPieceBytes = std::int64_t{4} << 20;

std::int64_t microseconds(WallTime time) {
  return std::chrono::floor<std::chrono::microseconds>(time.time_since_epoch()).count();
}

WallTime time_of(std::int64_t microseconds) {
  return WallTime(std::chrono::microseconds(microseconds));
}

FlowRow read_flow(RowReader& row) {
  FlowRow out;
  out.number = row.integer();
  out.node = row.text();
  out.logged = time_of(row.integer());
  out.start = time_of(row.integer());
  out.window = row.text();
  return out;
}

std::int64_t bytes_of(const FlowRow& row) {
  return static_cast<std::int64_t>(row.window.size()) + kRowBytes;
}

}  // namespace

Stored<std::size_t> SqliteStore::add_flows(AccountId account, const FlowBatch& batch) {
  std::int64_t last = 0;
  auto added = db_.transaction<std::size_t>([&]() -> Stored<std::size_t> {
    std::uint64_t next = batch.first;
    auto read = db_.rows(
        "SELECT next FROM flow_reporters WHERE node_id = ? AND run = ?", {batch.node, batch.run},
        [&](const SqlRow& row) { next = static_cast<std::uint64_t>(row.integer(0)); });
    if (!read) return read.error();
    const std::uint64_t end = batch.first + batch.rows.size();
    std::int64_t bytes = 0;
    std::size_t count = 0;
    for (std::uint64_t number = std::max(next, batch.first); number < end; ++number) {
      const FlowRow& row = batch.rows[number - batch.first];
      auto inserted = db_.run(
          "INSERT INTO flow_logs (account_id, node, logged, start, bytes, traffic) "
          "VALUES (?,?,?,?,?,?)",
          {account, row.node, microseconds(row.logged), microseconds(row.start), bytes_of(row),
           row.window});
      if (!inserted) return inserted.error();
      bytes += bytes_of(row);
      ++count;
      last = db_.last_row_id();
    }
    if (count == 0) return count;
    auto noted = db_.run(
        "INSERT INTO flow_reporters (node_id, run, next) VALUES (?,?,?) "
        "ON CONFLICT (node_id) DO UPDATE SET run = excluded.run, next = excluded.next",
        {batch.node, batch.run, static_cast<std::int64_t>(end)});
    if (!noted) return noted.error();
    auto counted = db_.run(
        "INSERT INTO flow_log_sizes (account_id, bytes) VALUES (?,?) "
        "ON CONFLICT (account_id) DO UPDATE SET bytes = bytes + excluded.bytes",
        {account, bytes});
    if (!counted) return counted.error();
    return count;
  });
  if (added && *added > 0) newest_flow_ = last;
  return added;
}

Stored<void> SqliteStore::each_flow(
    AccountId account, const FlowQuery& wanted, const std::function<void(const FlowRow&)>& each) {
  const std::string query = "SELECT " + std::string(kFlowColumns) +
                            " FROM flow_logs WHERE account_id = ? AND start >= ? AND start < ? "
                            "AND (? = '' OR node = ?) ORDER BY start, id";
  return db_.rows(
      query.c_str(),
      {account, microseconds(wanted.from), microseconds(wanted.to), wanted.node, wanted.node},
      [&](const SqlRow& row) {
        RowReader reader(row);
        each(read_flow(reader));
      });
}

Stored<FlowSize> SqliteStore::size_of_flows(AccountId account, const FlowQuery& wanted) {
  FlowSize out;
  auto read = db_.rows(
      "SELECT COUNT(*), COALESCE(SUM(bytes), 0) FROM flow_logs WHERE account_id = ? "
      "AND start >= ? AND start < ? AND (? = '' OR node = ?)",
      {account, microseconds(wanted.from), microseconds(wanted.to), wanted.node, wanted.node},
      [&](const SqlRow& row) {
        out.rows = static_cast<std::uint64_t>(row.integer(0));
        out.bytes = static_cast<std::uint64_t>(row.integer(1));
      });
  if (!read) return read.error();
  return out;
}

Stored<std::vector<FlowRow>> SqliteStore::flows_after(
    AccountId account, std::int64_t number, std::size_t most_rows, std::size_t most_bytes) {
  return all(
      read_flow, kFlowColumns,
      "flow_logs WHERE id IN (SELECT id FROM ("
      "SELECT id, SUM(bytes) OVER (ORDER BY id) - bytes AS before FROM ("
      "SELECT id, bytes FROM flow_logs WHERE account_id = ? AND id > ? ORDER BY id LIMIT ?)) "
      "WHERE before < ?) ORDER BY id",
      {account, number, static_cast<std::int64_t>(most_rows),
       static_cast<std::int64_t>(most_bytes)});
}

std::int64_t SqliteStore::newest_flow() {
  if (newest_flow_) return *newest_flow_;
  std::int64_t newest = 0;
  auto read = db_.rows(
      "SELECT seq FROM sqlite_sequence WHERE name = 'flow_logs'", {},
      [&](const SqlRow& row) { newest = row.integer(0); });
  if (read) newest_flow_ = newest;
  return newest;
}

Stored<bool> SqliteStore::prune_flows(WallTime before, std::uint64_t most_bytes) {
  struct Kept {
    AccountId account;
    std::int64_t bytes;
    bool is_gone;
  };
  std::vector<Kept> accounts;
  auto read = db_.rows(
      "SELECT account_id, bytes, removed IS NOT NULL FROM flow_log_sizes "
      "JOIN accounts ON id = account_id",
      {}, [&](const SqlRow& row) {
        accounts.push_back({AccountId{row.integer(0)}, row.integer(1), row.flag(2)});
      });
  if (!read) return read.error();
  for (const Kept& kept : accounts) {
    // What an account that is gone has left is too much altogether.
    const auto most = kept.is_gone ? std::int64_t{-1} : static_cast<std::int64_t>(most_bytes);
    auto pruned = prune_flows_of(kept.account, kept.bytes, microseconds(before), most);
    if (!pruned || *pruned) return pruned;
    if (!kept.is_gone) continue;
    auto done = db_.run("DELETE FROM flow_log_sizes WHERE account_id = ?", {kept.account});
    if (!done) return done.error();
  }
  return false;
}

// True: a piece was removed.
Stored<bool> SqliteStore::prune_flows_of(
    AccountId account, std::int64_t bytes, std::int64_t before, std::int64_t most_bytes) {
  std::int64_t last = 0, removed = 0;
  bool ended = false;
  auto read = db_.rows(
      "SELECT id, logged, bytes FROM flow_logs WHERE account_id = ? ORDER BY id LIMIT ?",
      {account, kPieceRows}, [&](const SqlRow& row) {
        const bool goes = row.integer(1) < before || bytes - removed > most_bytes;
        ended = ended || !goes || removed > kPieceBytes;
        if (ended) return;
        last = row.integer(0);
        removed += row.integer(2);
      });
  if (!read) return read.error();
  if (last == 0) return false;
  auto gone = db_.transaction<void>([&]() -> Stored<void> {
    auto deleted =
        db_.run("DELETE FROM flow_logs WHERE account_id = ? AND id <= ?", {account, last});
    if (!deleted) return deleted;
    return db_.run(
        "UPDATE flow_log_sizes SET bytes = bytes - ? WHERE account_id = ?", {removed, account});
  });
  if (!gone) return gone.error();
  return true;
}

}  // namespace aya::store
