#include "coord-server/store/sqlite_backup.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "coord-server/store/migrations.h"
#include "coord-server/store/sqlite_database.h"
#include "proto/base/scope_exit.h"

namespace aya::store {
namespace {

struct Closer {
  void operator()(sqlite3* handle) const { sqlite3_close(handle); }
};
using Handle = std::unique_ptr<sqlite3, Closer>;

constexpr int kWaitForOthersMs = 10'000;

StoreError failure(const std::string& path, sqlite3* handle, int code) {
  const char* text = handle == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(handle);
  StoreError::Kind kind = StoreError::Kind::Failed;
  if ((code & 0xff) == SQLITE_FULL) kind = StoreError::Kind::DiskFull;
  if ((code & 0xff) == SQLITE_CANTOPEN || (code & 0xff) == SQLITE_READONLY)
    kind = StoreError::Kind::Denied;
  if ((code & 0xff) == SQLITE_NOTADB || (code & 0xff) == SQLITE_CORRUPT)
    kind = StoreError::Kind::Damaged;
  return {kind, path + ": " + text};
}

Stored<Handle> open_file(const std::string& path, int flags) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  Handle handle(raw);
  if (code != SQLITE_OK) return failure(path, raw, code);
  sqlite3_busy_timeout(raw, kWaitForOthersMs);
  return handle;
}

Stored<void> copy_pages(
    sqlite3* from, const std::string& from_path, sqlite3* to, const std::string& to_path) {
  sqlite3_backup* backup = sqlite3_backup_init(to, "main", from, "main");
  if (backup == nullptr) return failure(to_path, to, sqlite3_errcode(to));
  // All pages in one step: one moment of the one, one transaction of the other.
  int code = SQLITE_OK;
  for (int waited = 0; waited < kWaitForOthersMs; waited += 50) {
    code = sqlite3_backup_step(backup, -1);
    if (code != SQLITE_BUSY && code != SQLITE_LOCKED) break;
    sqlite3_sleep(50);
  }
  sqlite3_backup_finish(backup);
  if (code == SQLITE_DONE) return {};
  return StoreError{
      failure(to_path, nullptr, code).kind,
      from_path + " to " + to_path + ": " + sqlite3_errstr(code)};
}

Stored<void> attach(SqliteDatabase& copy, const Attachments& attachments) {
  auto made = copy.script(
      "DROP TABLE IF EXISTS attachments;"
      "CREATE TABLE attachments (name TEXT PRIMARY KEY, content TEXT NOT NULL)");
  if (!made) return made;
  for (const auto& [name, content] : attachments) {
    auto kept = copy.run("INSERT INTO attachments VALUES (?, ?)", {name, content});
    if (!kept) return kept;
  }
  // One file, whose companions nobody needs to carry along.
  return copy.run("PRAGMA journal_mode = DELETE");
}

Stored<std::string> one_text(sqlite3* handle, const std::string& path, const char* query) {
  sqlite3_stmt* statement = nullptr;
  const int prepared = sqlite3_prepare_v2(handle, query, -1, &statement, nullptr);
  if (prepared != SQLITE_OK) return failure(path, handle, prepared);
  const ScopeExit finish([&] { sqlite3_finalize(statement); });
  const int code = sqlite3_step(statement);
  if (code == SQLITE_DONE) return std::string();
  if (code != SQLITE_ROW) return failure(path, handle, code);
  const unsigned char* text = sqlite3_column_text(statement, 0);
  return std::string(text == nullptr ? "" : reinterpret_cast<const char*>(text));
}

Stored<Attachments> attachments_of(sqlite3* handle, const std::string& path) {
  sqlite3_stmt* statement = nullptr;
  const int prepared =
      sqlite3_prepare_v2(handle, "SELECT name, content FROM attachments", -1, &statement, nullptr);
  if (prepared != SQLITE_OK) return Attachments{};  // a bare database will do
  const ScopeExit finish([&] { sqlite3_finalize(statement); });
  const auto column = [&](int index) {
    const unsigned char* text = sqlite3_column_text(statement, index);
    return std::string(text == nullptr ? "" : reinterpret_cast<const char*>(text));
  };
  Attachments out;
  for (;;) {
    const int code = sqlite3_step(statement);
    if (code == SQLITE_DONE) return out;
    if (code != SQLITE_ROW) return failure(path, handle, code);
    out[column(0)] = column(1);
  }
}

}  // namespace

Stored<void> back_up(
    const std::string& database, const std::string& copy, const Attachments& attachments) {
  auto from = open_file(database, SQLITE_OPEN_READWRITE);
  if (!from) return from.error();
  const int file = ::open(copy.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) {
    if (errno == EEXIST)
      return StoreError{StoreError::Kind::Failed, copy + " exists, and is not overwritten"};
    const auto kind = errno == ENOSPC ? StoreError::Kind::DiskFull : StoreError::Kind::Denied;
    return StoreError{kind, copy + ": " + std::strerror(errno)};
  }
  ::close(file);
  bool whole = false;
  const ScopeExit discard([&] {
    if (!whole) ::unlink(copy.c_str());
  });
  {
    auto to = open_file(copy, SQLITE_OPEN_READWRITE);
    if (!to) return to.error();
    if (auto done = copy_pages(from->get(), database, to->get(), copy); !done) return done;
  }
  auto finished = SqliteDatabase::open(copy);
  if (!finished) return finished.error();
  if (auto attached = attach(**finished, attachments); !attached) return attached;
  whole = true;
  return {};
}

Stored<Attachments> check_backup(const std::string& copy) {
  auto handle = open_file(copy, SQLITE_OPEN_READONLY);
  if (!handle) return handle.error();
  const auto damaged = [&](const std::string& why) {
    return StoreError{StoreError::Kind::Damaged, copy + ": " + why};
  };
  auto sound = one_text(handle->get(), copy, "PRAGMA integrity_check");
  if (!sound) return sound.error();
  if (*sound != "ok") return damaged(*sound);
  auto dangling = one_text(handle->get(), copy, "PRAGMA foreign_key_check");
  if (!dangling) return dangling.error();
  if (!dangling->empty()) return damaged("rows of " + *dangling + " lead nowhere");
  auto version = one_text(handle->get(), copy, "PRAGMA user_version");
  if (!version) return version.error();
  const long steps = std::strtol(version->c_str(), nullptr, 10);
  if (steps < 1) return damaged("not a database of this program");
  if (steps > newest_schema()) return damaged("a newer version of this program wrote it");
  auto keys =
      one_text(handle->get(), copy, "SELECT name FROM server_values WHERE name = 'noise_key'");
  if (!keys) return keys.error();
  if (keys->empty()) return damaged("it holds no key of a server");
  return attachments_of(handle->get(), copy);
}

Stored<void> restore_backup(const std::string& copy, const std::string& database) {
  auto from = open_file(copy, SQLITE_OPEN_READONLY);
  if (!from) return from.error();
  auto to = SqliteDatabase::open(database);  // makes one where there is none
  if (!to) return to.error();
  to->reset();
  auto target = open_file(database, SQLITE_OPEN_READWRITE);
  if (!target) return target.error();
  if (auto done = copy_pages(from->get(), copy, target->get(), database); !done) return done;
  target->reset();
  to = SqliteDatabase::open(database);
  if (!to) return to.error();
  return (*to)->script("DROP TABLE IF EXISTS attachments");
}

}  // namespace aya::store
