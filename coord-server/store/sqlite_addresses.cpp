#include "coord-server/store/sqlite_tables.h"

namespace aya::store {
namespace {

const char* column_of(const IpAddress& address) { return address.is_v4() ? "ipv4" : "ipv6"; }

bool is_given(const AddressChange& change, const IpAddress& address) {
  return std::ranges::find(change.moves, address, &AddressMove::to) != change.moves.end();
}

FormerAddressRow read_former(RowReader& row) {
  return {row.id<NodeId>(), {row.address(), row.time()}};
}

AddressMove read_move(RowReader& row) { return {row.id<NodeId>(), row.address(), row.address()}; }

Reservation read_reservation(RowReader& row) { return {row.text(), row.address()}; }

}  // namespace

Stored<void> SqliteStore::change_addresses(
    const AddressChange& change, const std::vector<AuditEntry>& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    if (auto vacated = vacate(change); !vacated) return vacated;
    if (auto occupied = occupy(change); !occupied) return occupied;
    if (auto left = leave_behind(change); !left) return left;
    if (auto remembered = remember(change); !remembered) return remembered;
    return log_all(audit);
  });
}

// Everyone who moves steps out first, so that addresses can go round among them. What stands there
// meanwhile is no address and nobody sees it.
Stored<void> SqliteStore::vacate(const AddressChange& change) {
  for (const AddressMove& move : change.moves) {
    const std::string column = column_of(move.to);
    const std::string step_out =
        "UPDATE node_addresses SET " + column +
        " = 'moving ' || node_id WHERE node_id = ? AND account_id = ? AND " + column + " = ?";
    auto out = change_one(step_out.c_str(), {move.node, change.account, move.from.to_text()});
    if (!out) return out;
    auto taken_back = db_.run(
        "DELETE FROM former_addresses WHERE account_id = ? AND address = ? AND node_id = ?",
        {change.account, move.to.to_text(), move.node});
    if (!taken_back) return taken_back;
  }
  return {};
}

Stored<void> SqliteStore::occupy(const AddressChange& change) {
  for (const AddressMove& move : change.moves) {
    const std::string step_in =
        "UPDATE node_addresses SET " + std::string(column_of(move.to)) + " = ? WHERE node_id = ?";
    if (auto in = change_one(step_in.c_str(), {move.to.to_text(), move.node}); !in) return in;
    auto released = db_.run(
        "DELETE FROM quarantine WHERE account_id = ? AND address = ?",
        {change.account, move.to.to_text()});
    if (!released) return released;
  }
  return {};
}

Stored<void> SqliteStore::leave_behind(const AddressChange& change) {
  for (const AddressMove& move : change.moves) {
    if (is_given(change, move.from)) continue;
    auto left =
        change.grace_until
            ? db_.run(
                  "INSERT INTO former_addresses (account_id, address, node_id, until) "
                  "VALUES (?,?,?,?)",
                  {change.account, move.from.to_text(), move.node, to_rfc3339(*change.grace_until)})
            : quarantine(change, move);
    if (!left) return left;
  }
  return {};
}

Stored<void> SqliteStore::quarantine(const AddressChange& change, const AddressMove& left) {
  return db_.run(
      "INSERT OR REPLACE INTO quarantine (account_id, address, former_node, until) "
      "VALUES (?,?,?,?)",
      {change.account, left.from.to_text(), left.node, to_rfc3339(change.free_again)});
}

Stored<void> SqliteStore::remember(const AddressChange& change) {
  auto forgotten =
      db_.run("DELETE FROM address_changes WHERE time < ?", {to_rfc3339(change.time - kUndoFor)});
  if (!forgotten) return forgotten;
  auto inserted = db_.run(
      "INSERT INTO address_changes (account_id, time) VALUES (?,?)",
      {change.account, to_rfc3339(change.time)});
  if (!inserted) return inserted;
  const std::int64_t id = db_.last_row_id();
  for (const AddressMove& move : change.moves) {
    auto moved = db_.run(
        "INSERT INTO address_moves (change_id, node_id, old_address, new_address) VALUES (?,?,?,?)",
        {id, move.node, move.from.to_text(), move.to.to_text()});
    if (!moved) return moved;
  }
  return {};
}

Stored<std::optional<AddressChange>> SqliteStore::last_address_change(NodeId node, WallTime now) {
  std::optional<std::int64_t> id;
  AddressChange change;
  auto found = db_.rows(
      "SELECT id, account_id, time FROM address_changes WHERE time >= ? AND id = "
      "(SELECT MAX(change_id) FROM address_moves WHERE node_id = ?)",
      {to_rfc3339(now - kUndoFor), node}, [&](const SqlRow& row) {
        RowReader reader(row);
        id = reader.integer();
        change.account = reader.id<AccountId>();
        change.time = reader.time();
      });
  if (!found) return found.error();
  if (!id) return std::optional<AddressChange>();
  auto moves = all(
      read_move, "node_id, old_address, new_address", "address_moves WHERE change_id = ?", {*id});
  if (!moves) return moves.error();
  change.moves = std::move(*moves);
  return std::optional(std::move(change));
}

Stored<std::vector<FormerAddressRow>> SqliteStore::former_addresses() {
  return all(
      read_former, "node_id, address, until", "former_addresses ORDER BY until, address", {});
}

Stored<void> SqliteStore::end_former_address(
    NodeId node, const IpAddress& former, WallTime free_again, const AuditEntry& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    auto kept = db_.run(
        "INSERT OR REPLACE INTO quarantine (account_id, address, former_node, until) "
        "SELECT account_id, address, node_id, ? FROM former_addresses "
        "WHERE node_id = ? AND address = ?",
        {to_rfc3339(free_again), node, former.to_text()});
    if (!kept) return kept;
    auto ended = change_one(
        "DELETE FROM former_addresses WHERE node_id = ? AND address = ?", {node, former.to_text()});
    if (!ended) return ended;
    return log(audit);
  });
}

Stored<std::vector<Reservation>> SqliteStore::reservations(AccountId account, WallTime now) {
  return all(
      read_reservation, "public_id, ipv4",
      "address_reservations JOIN auth_keys ON id = auth_key_id "
      "WHERE account_id = ? AND revoked IS NULL AND expires > ? AND uses = 0",
      {account, to_rfc3339(now)});
}

Stored<void> SqliteStore::quarantine_addresses_of(NodeId node, WallTime until) {
  for (const char* addresses :
       {"SELECT account_id, ipv4, node_id, ? FROM node_addresses WHERE node_id = ?",
        "SELECT account_id, ipv6, node_id, ? FROM node_addresses WHERE node_id = ?",
        "SELECT account_id, address, node_id, ? FROM former_addresses WHERE node_id = ?"}) {
    const std::string keep =
        "INSERT OR REPLACE INTO quarantine (account_id, address, former_node, until) " +
        std::string(addresses);
    if (auto kept = db_.run(keep.c_str(), {to_rfc3339(until), node}); !kept) return kept;
  }
  return {};
}

Stored<std::vector<Quarantine>> SqliteStore::quarantines(WallTime now) {
  auto cleaned = db_.run("DELETE FROM quarantine WHERE until <= ?", {to_rfc3339(now)});
  if (!cleaned) return cleaned.error();
  return all(read_quarantine, kQuarantineColumns, "quarantine", {});
}

}  // namespace aya::store
