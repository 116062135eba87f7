#include "coord-server/store/sqlite_tables.h"

namespace aya::store {
namespace {

DeviceInvite read_invite(RowReader& row) {
  DeviceInvite invite;
  invite.id = row.id<InviteId>();
  invite.account = row.id<AccountId>();
  invite.device = row.id<NodeId>();
  invite.sharer = row.id<UserId>();
  invite.nonce = row.hash();
  invite.multi_use = row.flag();
  invite.allow_exit_node = row.flag();
  invite.email = row.text();
  invite.created = row.time();
  invite.expires = row.time();
  invite.mailed = row.optional_time();
  return invite;
}

Share read_share(RowReader& row) {
  return {row.id<InviteId>(), row.id<NodeId>(), row.id<AccountId>(),
          row.id<UserId>(),   row.flag(),       row.time()};
}

Alias read_alias(RowReader& row) { return {row.id<AccountId>(), row.id<NodeId>(), row.address()}; }

}  // namespace

Stored<std::vector<DeviceInvite>> SqliteStore::device_invites() {
  return all(
      read_invite,
      "id, account_id, device_id, sharer_id, nonce, multi_use, allow_exit_node, email, "
      "created, expires, mailed",
      "device_invites ORDER BY id", {});
}

Stored<std::vector<Share>> SqliteStore::shares() {
  return all(
      read_share, "invite_id, device_id, account_id, accepted_by, allow_exit_node, accepted",
      "shares ORDER BY invite_id, account_id", {});
}

Stored<std::vector<Alias>> SqliteStore::aliases() {
  return all(read_alias, "account_id, node_id, ipv4", "aliases ORDER BY account_id, node_id", {});
}

Stored<std::vector<DeviceInvite>> SqliteStore::create_device_invites(
    std::vector<DeviceInvite> invites, const std::vector<AuditEntry>& audit) {
  return db_.transaction<std::vector<DeviceInvite>>([&]() -> Stored<std::vector<DeviceInvite>> {
    for (DeviceInvite& invite : invites) {
      auto inserted = db_.run(
          "INSERT INTO device_invites (account_id, device_id, sharer_id, nonce, multi_use, "
          "allow_exit_node, email, created, expires) VALUES (?,?,?,?,?,?,?,?,?)",
          {invite.account, invite.device, invite.sharer, Bytes(invite.nonce), invite.multi_use,
           invite.allow_exit_node, invite.email, to_rfc3339(invite.created),
           to_rfc3339(invite.expires)});
      if (!inserted) return inserted.error();
      invite.id = InviteId{db_.last_row_id()};
    }
    if (auto logged = log_all(audit); !logged) return logged.error();
    return invites;
  });
}

Stored<void> SqliteStore::accept_device_invite(
    const Share& share, const std::vector<AuditEntry>& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    auto inserted = db_.run(
        "INSERT INTO shares (invite_id, device_id, account_id, accepted_by, allow_exit_node, "
        "accepted) SELECT id, device_id, ?, ?, ?, ? FROM device_invites WHERE id = ? AND "
        "(SELECT COUNT(*) FROM shares WHERE invite_id = device_invites.id) < "
        "CASE WHEN multi_use THEN ? ELSE 1 END",
        {share.account, share.accepted_by, share.allow_exit_node, to_rfc3339(share.accepted),
         share.invite, kMostAcceptances});
    if (!inserted) return inserted;
    if (db_.changed_rows() == 0) {
      return StoreError{StoreError::Kind::Spent, "the invitation has been used"};
    }
    return log_all(audit);
  });
}

Stored<void> SqliteStore::delete_device_invite(
    InviteId invite, const std::vector<AuditEntry>& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    auto gone = change_one("DELETE FROM device_invites WHERE id = ?", {invite});
    return gone ? log_all(audit) : gone;
  });
}

Stored<void> SqliteStore::note_device_invite_mailed(InviteId invite, WallTime when) {
  return db_.run("UPDATE device_invites SET mailed = ? WHERE id = ?", {to_rfc3339(when), invite});
}

Stored<void> SqliteStore::leave_share(const Share& share, const std::vector<AuditEntry>& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    auto gone = change_one(
        "DELETE FROM shares WHERE device_id = ? AND account_id = ?", {share.device, share.account});
    return gone ? log_all(audit) : gone;
  });
}

Stored<void> SqliteStore::change_aliases(
    const std::vector<Alias>& begin, const std::vector<Alias>& end, WallTime free_again) {
  return db_.transaction<void>([&]() -> Stored<void> {
    for (const Alias& alias : end) {
      // The node may be gone, and its row with it.
      auto gone = db_.run(
          "DELETE FROM aliases WHERE account_id = ? AND node_id = ?", {alias.account, alias.node});
      if (!gone) return gone;
      auto kept = db_.run(
          "INSERT OR REPLACE INTO quarantine (account_id, address, former_node, until) "
          "VALUES (?,?,?,?)",
          {alias.account, alias.ipv4.to_text(), alias.node, to_rfc3339(free_again)});
      if (!kept) return kept;
    }
    for (const Alias& alias : begin) {
      auto begun = db_.run(
          "INSERT INTO aliases (account_id, node_id, ipv4) VALUES (?,?,?)",
          {alias.account, alias.node, alias.ipv4.to_text()});
      if (!begun) return begun;
    }
    return {};
  });
}

}  // namespace aya::store
