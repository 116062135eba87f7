#include "coord-server/store/sqlite_store.h"

#include "coord-server/store/migrations.h"
#include "coord-server/store/sqlite_tables.h"

namespace aya::store {

// A statement that must hit exactly one row.
Stored<void> SqliteStore::change_one(const char* statement, SqliteDatabase::Values values) {
  if (auto ran = db_.run(statement, values); !ran) return ran;
  if (db_.changed_rows() == 0) return StoreError{StoreError::Kind::NotFound, "no such row"};
  return {};
}

Stored<std::optional<std::string>> SqliteStore::server_value(std::string_view name) {
  std::optional<std::string> value;
  auto walked = db_.rows(
      "SELECT value FROM server_values WHERE name = ?", {name},
      [&](const SqlRow& row) { value = std::string(row.text(0)); });
  if (!walked) return walked.error();
  return value;
}

Stored<void> SqliteStore::set_server_value(std::string_view name, std::string_view value) {
  return db_.run(
      "INSERT INTO server_values (name, value) VALUES (?, ?) "
      "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
      {name, value});
}

std::string StoreError::to_text() const {
  switch (kind) {
    case Kind::Taken:
      return "already taken: " + detail;
    case Kind::NotFound:
      return "not found: " + detail;
    case Kind::Spent:
      return detail;
    case Kind::DiskFull:
      return "the disk is full; free some space and try again (" + detail + ")";
    case Kind::Denied:
      return "no permission for the database; check owner and mode (" + detail + ")";
    case Kind::Damaged:
      return "the database cannot be used; restore a backup (" + detail + ")";
    case Kind::Failed:
      break;
  }
  return "the database failed: " + detail;
}

Stored<std::unique_ptr<Store>> open_sqlite_store(const std::string& path) {
  auto database = SqliteDatabase::open(path);
  if (!database) return database.error();
  if (auto migrated = migrate(**database); !migrated) return migrated.error();
  return std::unique_ptr<Store>(std::make_unique<SqliteStore>(std::move(*database)));
}

}  // namespace aya::store
