#include "coord-server/store/sqlite_tables.h"

namespace aya::store {
namespace {

std::int64_t number_of(ContactKind kind) { return static_cast<std::int64_t>(kind); }

WaitingContact read_waiting(RowReader& row) {
  WaitingContact out;
  out.account = row.id<AccountId>();
  out.kind = static_cast<ContactKind>(row.integer());  // the table takes no other numbers
  out.email = row.text();
  out.link = row.hash();
  out.link_expires = row.time();
  return out;
}

const char* setting_of(ContactKind kind) {
  switch (kind) {
    case ContactKind::Account:
      return "UPDATE accounts SET contact_account = ? WHERE id = ?";
    case ContactKind::Support:
      return "UPDATE accounts SET contact_support = ? WHERE id = ?";
    case ContactKind::Security:
      break;
  }
  return "UPDATE accounts SET contact_security = ? WHERE id = ?";
}

}  // namespace

Stored<std::vector<WaitingContact>> SqliteStore::waiting_contacts() {
  return all(
      read_waiting, "account_id, kind, email, sha256, link_expires",
      "waiting_contacts ORDER BY account_id, kind", {});
}

Stored<void> SqliteStore::put_waiting_contact(
    const WaitingContact& contact, const AuditEntry& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    auto put = db_.run(
        "INSERT OR REPLACE INTO waiting_contacts (account_id, kind, email, sha256, link_expires) "
        "VALUES (?,?,?,?,?)",
        {contact.account, number_of(contact.kind), contact.email, Bytes(contact.link),
         to_rfc3339(contact.link_expires)});
    return put ? log(audit) : put;
  });
}

Stored<void> SqliteStore::set_contact(
    AccountId account, ContactKind kind, const std::string& email, const AuditEntry& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    if (auto set = change_one(setting_of(kind), {email, account}); !set) return set;
    auto gone = db_.run(
        "DELETE FROM waiting_contacts WHERE account_id = ? AND kind = ?",
        {account, number_of(kind)});
    return gone ? log(audit) : gone;
  });
}

}  // namespace aya::store
