// SQLite in the few calls this room needs: run a statement, walk rows, group into a transaction.
// Private to the room.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

#include "coord-server/store/store.h"
#include "proto/base/bytes.h"
#include "proto/base/histogram.h"

struct sqlite3;
struct sqlite3_stmt;

namespace aya::store {

// A parameter of a statement, in the order of its question marks.
class SqlValue {
 public:
  SqlValue(std::nullptr_t) : held_(nullptr) {}
  SqlValue(std::int64_t number) : held_(number) {}
  SqlValue(int number) : held_(std::int64_t{number}) {}
  SqlValue(bool flag) : held_(std::int64_t{flag}) {}
  SqlValue(std::string_view text) : held_(text) {}
  SqlValue(const std::string& text) : held_(std::string_view(text)) {}
  SqlValue(const char* text) : held_(std::string_view(text)) {}
  SqlValue(Bytes blob) : held_(blob) {}
  template <class Tag>
  SqlValue(StrongId<Tag, std::int64_t> id) : held_(id.value) {}

  const auto& held() const { return held_; }

 private:
  std::variant<std::nullptr_t, std::int64_t, std::string_view, Bytes> held_;  // borrowed
};

// The current row of a query; columns count from 0. Borrowed values live until the next row.
class SqlRow {
 public:
  explicit SqlRow(sqlite3_stmt* at) : at_(at) {}
  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  bool flag(int column) const { return integer(column) != 0; }
  std::string_view text(int column) const;
  Bytes blob(int column) const;

 private:
  sqlite3_stmt* at_;
};

class SqliteDatabase {
 public:
  using Values = std::initializer_list<SqlValue>;

  static Stored<std::unique_ptr<SqliteDatabase>> open(const std::string& path);
  // A file that must be there, just as it is: no setting of it is changed, nothing is created.
  enum class Access { Read, Write };
  static Stored<std::unique_ptr<SqliteDatabase>> open_as_it_is(
      const std::string& path, Access access);
  ~SqliteDatabase();
  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;

  Stored<void> script(const char* statements);
  Stored<void> run(const char* statement, Values values = {});
  Stored<void> rows(
      const char* query, Values values, const std::function<void(const SqlRow&)>& each);

  // `to` becomes what this is at one moment: wholly, or not at all.
  Stored<void> copy_to(SqliteDatabase& to);

  std::int64_t last_row_id() const;
  int changed_rows() const;

  // Commits if `body` returns without an error, otherwise leaves everything as it was.
  template <class T>
  Stored<T> transaction(const std::function<Stored<T>()>& body) {
    const TimePoint began = std::chrono::steady_clock::now();
    if (auto begun = run("BEGIN IMMEDIATE"); !begun) return ++failed_, begun.error();
    Stored<T> outcome = body();
    if (!outcome) return roll_back(), std::move(outcome);
    if (auto committed = run("COMMIT"); !committed) return roll_back(), committed.error();
    times_.add(std::chrono::steady_clock::now() - began);
    return outcome;
  }

  // Of transactions.
  const Histogram& times() const { return times_; }
  std::uint64_t failed() const { return failed_; }
  // Of the database itself, without what waits in its log.
  std::uint64_t size_bytes();

 private:
  explicit SqliteDatabase(sqlite3* handle) : handle_(handle) {}
  StoreError error() const;
  void roll_back();

  sqlite3* handle_;
  Histogram times_;
  std::uint64_t failed_ = 0;
};

}  // namespace aya::store
