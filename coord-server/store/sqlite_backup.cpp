#include "coord-server/store/sqlite_backup.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "coord-server/store/migrations.h"
#include "coord-server/store/sqlite_database.h"
#include "proto/base/scope_exit.h"

namespace aya::store {
namespace {

using Access = SqliteDatabase::Access;

// Several files are at work here: which of them it is about.
StoreError in_file(const std::string& path, const StoreError& why) {
  return {why.kind, path + ": " + why.detail};
}

Stored<std::unique_ptr<SqliteDatabase>> open_file(const std::string& path, Access access) {
  auto opened = SqliteDatabase::open_as_it_is(path, access);
  if (!opened) return in_file(path, opened.error());
  return opened;
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

// The first column of the first row; empty: there is none.
Stored<std::string> one_text(SqliteDatabase& database, const char* query) {
  std::optional<std::string> first;
  auto read = database.rows(query, {}, [&](const SqlRow& row) {
    if (!first) first = row.text(0);
  });
  if (!read) return read.error();
  return first.value_or("");
}

Stored<Attachments> attachments_of(SqliteDatabase& database) {
  auto table = one_text(database, "SELECT name FROM sqlite_schema WHERE name = 'attachments'");
  if (!table) return table.error();
  Attachments out;
  if (table->empty()) return out;  // a bare database will do
  auto read = database.rows("SELECT name, content FROM attachments", {}, [&](const SqlRow& row) {
    out[std::string(row.text(0))] = row.text(1);
  });
  if (!read) return read.error();
  return out;
}

StoreError damaged(const std::string& why) { return {StoreError::Kind::Damaged, why}; }

Stored<Attachments> check(SqliteDatabase& copy) {
  auto sound = one_text(copy, "PRAGMA integrity_check");
  if (!sound) return sound.error();
  if (*sound != "ok") return damaged(*sound);
  auto dangling = one_text(copy, "PRAGMA foreign_key_check");
  if (!dangling) return dangling.error();
  if (!dangling->empty()) return damaged("rows of " + *dangling + " lead nowhere");
  auto version = one_text(copy, "PRAGMA user_version");
  if (!version) return version.error();
  const long steps = std::strtol(version->c_str(), nullptr, 10);
  if (steps < 1) return damaged("not a database of this program");
  if (steps > newest_schema()) return damaged("a newer version of this program wrote it");
  auto key = one_text(copy, "SELECT name FROM server_values WHERE name = 'noise_key'");
  if (!key) return key.error();
  if (key->empty()) return damaged("it holds no key of a server");
  return attachments_of(copy);
}

Stored<void> copy_over(const std::string& from, const std::string& to, Access from_access) {
  auto source = open_file(from, from_access);
  if (!source) return source.error();
  auto target = open_file(to, Access::Write);
  if (!target) return target.error();
  auto copied = (*source)->copy_to(**target);
  if (!copied) return in_file(from + " to " + to, copied.error());
  return {};
}

}  // namespace

Stored<void> back_up(
    const std::string& database, const std::string& copy, const Attachments& attachments) {
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
  // A database that nobody has open may have to be recovered first, which is writing.
  if (auto copied = copy_over(database, copy, Access::Write); !copied) return copied;
  auto finished = SqliteDatabase::open(copy);
  if (!finished) return finished.error();
  if (auto attached = attach(**finished, attachments); !attached) return attached;
  whole = true;
  return {};
}

Stored<Attachments> check_backup(const std::string& copy) {
  auto opened = open_file(copy, Access::Read);
  if (!opened) return opened.error();
  auto checked = check(**opened);
  if (!checked) return in_file(copy, checked.error());
  return checked;
}

Stored<void> restore_backup(const std::string& copy, const std::string& database) {
  // Makes one where there is none.
  if (auto made = SqliteDatabase::open(database); !made) return made.error();
  if (auto copied = copy_over(copy, database, Access::Read); !copied) return copied;
  auto restored = SqliteDatabase::open(database);
  if (!restored) return restored.error();
  return (*restored)->script("DROP TABLE IF EXISTS attachments");
}

}  // namespace aya::store
