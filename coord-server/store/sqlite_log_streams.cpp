#include "coord-server/store/sqlite_tables.h"

namespace aya::store {
namespace {

constexpr const char* kLogStreamColumns =
    "id, account_id, log, type, url, user, token, upload_minutes, compression, s3_bucket, "
    "s3_region, s3_key_prefix, s3_authentication, s3_access_key, s3_secret_key, s3_role, "
    "s3_external_id, gcs_bucket, gcs_key_prefix, gcs_credentials, gcs_scopes, told_line, "
    "last_sent, entries, bytes, requests, failed_requests, longest_body";

LogDestination read_destination(RowReader& row) {
  LogDestination out;
  out.type = row.text();
  out.url = row.text();
  out.user = row.text();
  out.token = row.text();
  out.upload_minutes = static_cast<int>(row.integer());
  out.compression = row.text();
  out.s3_bucket = row.text();
  out.s3_region = row.text();
  out.s3_key_prefix = row.text();
  out.s3_authentication = row.text();
  out.s3_access_key = row.text();
  out.s3_secret_key = row.text();
  out.s3_role = row.text();
  out.s3_external_id = row.text();
  out.gcs_bucket = row.text();
  out.gcs_key_prefix = row.text();
  out.gcs_credentials = row.text();
  out.gcs_scopes = row.words();
  return out;
}

LogStream read_log_stream(RowReader& row) {
  LogStream out;
  out.id = row.id<LogStreamId>();
  out.account = row.id<AccountId>();
  out.log = row.text();
  out.to = read_destination(row);
  out.told_line = row.integer();
  out.last_sent = row.optional_time();
  for (std::uint64_t* figure :
       {&out.entries, &out.bytes, &out.requests, &out.failed_requests, &out.longest_body}) {
    *figure = static_cast<std::uint64_t>(row.integer());
  }
  return out;
}

std::int64_t column(std::uint64_t figure) { return static_cast<std::int64_t>(figure); }

}  // namespace

Stored<std::vector<LogStream>> SqliteStore::log_streams() {
  return all(read_log_stream, kLogStreamColumns, "log_streams ORDER BY id", {});
}

Stored<void> SqliteStore::write_destination(LogStreamId stream, const LogDestination& to) {
  return change_one(
      "UPDATE log_streams SET type = ?, url = ?, user = ?, token = ?, upload_minutes = ?, "
      "compression = ?, s3_bucket = ?, s3_region = ?, s3_key_prefix = ?, s3_authentication = ?, "
      "s3_access_key = ?, s3_secret_key = ?, s3_role = ?, s3_external_id = ?, gcs_bucket = ?, "
      "gcs_key_prefix = ?, gcs_credentials = ?, gcs_scopes = ? WHERE id = ?",
      {to.type, to.url, to.user, to.token, to.upload_minutes, to.compression, to.s3_bucket,
       to.s3_region, to.s3_key_prefix, to.s3_authentication, to.s3_access_key, to.s3_secret_key,
       to.s3_role, to.s3_external_id, to.gcs_bucket, to.gcs_key_prefix, to.gcs_credentials,
       words_column(to.gcs_scopes), stream});
}

Stored<LogStream> SqliteStore::create_log_stream(LogStream stream, const AuditEntry& audit) {
  return db_.transaction<LogStream>([&]() -> Stored<LogStream> {
    auto inserted = db_.run(
        "INSERT INTO log_streams (account_id, log, told_line) VALUES (?, ?, ?)",
        {stream.account, stream.log, stream.told_line});
    if (!inserted) return inserted.error();
    stream.id = LogStreamId{db_.last_row_id()};
    if (auto written = write_destination(stream.id, stream.to); !written) return written.error();
    if (auto logged = log(audit); !logged) return logged.error();
    return stream;
  });
}

Stored<void> SqliteStore::update_log_stream(const LogStream& stream, const AuditEntry& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    auto written = write_destination(stream.id, stream.to);
    return written ? log(audit) : written;
  });
}

Stored<void> SqliteStore::remove_log_stream(LogStreamId id, const AuditEntry& audit) {
  return db_.transaction<void>([&]() -> Stored<void> {
    auto gone = change_one("DELETE FROM log_streams WHERE id = ?", {id});
    return gone ? log(audit) : gone;
  });
}

Stored<void> SqliteStore::note_streamed(const LogStream& s) {
  const TimeColumn last_sent(s.last_sent);
  return change_one(
      "UPDATE log_streams SET told_line = ?, last_sent = ?, entries = ?, bytes = ?, requests = ?, "
      "failed_requests = ?, longest_body = ? WHERE id = ?",
      {s.told_line, last_sent.value(), column(s.entries), column(s.bytes), column(s.requests),
       column(s.failed_requests), column(s.longest_body), s.id});
}

}  // namespace aya::store
