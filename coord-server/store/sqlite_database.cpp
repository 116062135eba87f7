#include "coord-server/store/sqlite_database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>

#include "proto/base/scope_exit.h"

namespace aya::store {
namespace {

constexpr int kWaitForOthersMs = 10'000;  // copies; ordinary statements wait for less

StoreError::Kind kind_of(int code) {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return StoreError::Kind::DiskFull;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_AUTH:
      return StoreError::Kind::Denied;
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return StoreError::Kind::Damaged;
    default:
      break;
  }
  if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY ||
      code == SQLITE_CONSTRAINT_TRIGGER) {
    return StoreError::Kind::Taken;
  }
  // A foreign key that leads nowhere: the row was deleted in the meantime.
  if (code == SQLITE_CONSTRAINT_FOREIGNKEY) return StoreError::Kind::NotFound;
  return StoreError::Kind::Failed;
}

void bind(sqlite3_stmt* statement, int index, const SqlValue& value) {
  struct Binder {
    sqlite3_stmt* statement;
    int index;
    void operator()(std::nullptr_t) const { sqlite3_bind_null(statement, index); }
    void operator()(std::int64_t number) const { sqlite3_bind_int64(statement, index, number); }
    void operator()(std::string_view text) const {
      // A null pointer would be bound as NULL, which an empty text is not.
      sqlite3_bind_text(
          statement, index, text.data() == nullptr ? "" : text.data(),
          static_cast<int>(text.size()), SQLITE_STATIC);
    }
    void operator()(Bytes blob) const {
      sqlite3_bind_blob(
          statement, index, blob.data(), static_cast<int>(blob.size()), SQLITE_STATIC);
    }
  };
  std::visit(Binder{statement, index}, value.held());
}

// The database holds keys: nobody else may read it, and SQLite gives its companion files the mode
// of the main one.
Stored<void> create_private_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file >= 0) {
    ::close(file);
    return {};
  }
  const auto kind = errno == ENOSPC || errno == EDQUOT ? StoreError::Kind::DiskFull
                    : errno == ENOENT                  ? StoreError::Kind::NotFound
                                                       : StoreError::Kind::Denied;
  return StoreError{kind, path + ": " + std::string(std::strerror(errno))};
}

}  // namespace

bool SqlRow::is_null(int column) const { return sqlite3_column_type(at_, column) == SQLITE_NULL; }
std::int64_t SqlRow::integer(int column) const { return sqlite3_column_int64(at_, column); }

std::string_view SqlRow::text(int column) const {
  const unsigned char* from = sqlite3_column_text(at_, column);
  if (from == nullptr) return {};
  return {
      reinterpret_cast<const char*>(from),
      static_cast<std::size_t>(sqlite3_column_bytes(at_, column))};
}

Bytes SqlRow::blob(int column) const {
  const void* from = sqlite3_column_blob(at_, column);
  return {
      static_cast<const std::byte*>(from),
      static_cast<std::size_t>(sqlite3_column_bytes(at_, column))};
}

Stored<std::unique_ptr<SqliteDatabase>> SqliteDatabase::open(const std::string& path) {
  if (auto created = create_private_file(path); !created) return created.error();
  sqlite3* handle = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<SqliteDatabase> database(new SqliteDatabase(handle));
  if (code != SQLITE_OK) return database->error();
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, 5000);
  auto prepared = database->script(
      "PRAGMA journal_mode = WAL;"
      "PRAGMA synchronous = FULL;"
      "PRAGMA foreign_keys = ON;"
      "PRAGMA cache_size = -1024;");
  if (!prepared) return prepared.error();
  return database;
}

Stored<std::unique_ptr<SqliteDatabase>> SqliteDatabase::open_as_it_is(
    const std::string& path, Access access) {
  const int mode = access == Access::Read ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle, mode | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<SqliteDatabase> database(new SqliteDatabase(handle));
  if (code != SQLITE_OK) return database->error();
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, kWaitForOthersMs);
  return database;
}

SqliteDatabase::~SqliteDatabase() { sqlite3_close(handle_); }

StoreError SqliteDatabase::error() const {
  if (handle_ == nullptr) return {StoreError::Kind::Failed, "out of memory"};
  const int code = sqlite3_extended_errcode(handle_);
  const int system = sqlite3_system_errno(handle_);
  // A companion file that cannot grow is an "I/O error" to SQLite.
  const bool no_space = (code & 0xff) == SQLITE_IOERR && (system == ENOSPC || system == EDQUOT);
  return {no_space ? StoreError::Kind::DiskFull : kind_of(code), sqlite3_errmsg(handle_)};
}

Stored<void> SqliteDatabase::script(const char* statements) {
  if (sqlite3_exec(handle_, statements, nullptr, nullptr, nullptr) != SQLITE_OK) return error();
  return {};
}

Stored<void> SqliteDatabase::run(const char* statement, Values values) {
  return rows(statement, values, [](const SqlRow&) {});
}

Stored<void> SqliteDatabase::rows(
    const char* query, Values values, const std::function<void(const SqlRow&)>& each) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(handle_, query, -1, &statement, nullptr) != SQLITE_OK) return error();
  const ScopeExit finish([&] { sqlite3_finalize(statement); });
  int index = 0;
  for (const SqlValue& value : values) bind(statement, ++index, value);
  AYA_CHECK(index == sqlite3_bind_parameter_count(statement));
  for (;;) {
    const int code = sqlite3_step(statement);
    if (code == SQLITE_DONE) return {};
    if (code != SQLITE_ROW) return error();
    each(SqlRow(statement));
  }
}

Stored<void> SqliteDatabase::copy_to(SqliteDatabase& to) {
  constexpr int kStepMs = 50;
  sqlite3_backup* backup = sqlite3_backup_init(to.handle_, "main", handle_, "main");
  if (backup == nullptr) return to.error();
  // All pages in one step: one moment of ours, one transaction of the other.
  int code = SQLITE_OK;
  for (int waited = 0; waited < kWaitForOthersMs; waited += kStepMs) {
    code = sqlite3_backup_step(backup, -1);
    if (code != SQLITE_BUSY && code != SQLITE_LOCKED) break;
    sqlite3_sleep(kStepMs);
  }
  sqlite3_backup_finish(backup);
  if (code == SQLITE_DONE) return {};
  return StoreError{kind_of(code), sqlite3_errstr(code)};
}

std::int64_t SqliteDatabase::last_row_id() const { return sqlite3_last_insert_rowid(handle_); }
int SqliteDatabase::changed_rows() const { return sqlite3_changes(handle_); }

std::uint64_t SqliteDatabase::size_bytes() {
  std::uint64_t size = 0;
  const auto take = [&size](const SqlRow& row) {
    size = static_cast<std::uint64_t>(row.integer(0));
  };
  if (!rows("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()", {}, take)) {
    return 0;
  }
  return size;
}

void SqliteDatabase::roll_back() {
  ++failed_;
  // Some failures (a full disk among them) have already ended the transaction.
  if (sqlite3_get_autocommit(handle_) == 0) {
    sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
  }
}

}  // namespace aya::store
