// Where an account's logs are sent as they grow (interfaces 1.11), and how far that has got in the
// audit log.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "coord-server/store/stored.h"

namespace aya::store {

using LogStreamId = StrongId<struct LogStreamTag, std::int64_t>;

// A place for a log, as somebody wrote it; what its type has no use for is empty.
struct LogDestination {
  std::string type;  // "splunk", "s3", …
  std::string url, user;
  std::string token;        // secret
  int upload_minutes = 0;   // between two uploads; 0: nobody said
  std::string compression;  // "none", "gzip", "zstd"; empty: nobody said
  std::string s3_bucket, s3_region, s3_key_prefix;
  std::string s3_authentication;  // "accesskey", "rolearn"
  std::string s3_access_key;
  std::string s3_secret_key;  // secret
  std::string s3_role, s3_external_id;
  std::string gcs_bucket, gcs_key_prefix, gcs_credentials;
  std::vector<std::string> gcs_scopes;
  friend bool operator==(const LogDestination&, const LogDestination&) = default;
};

struct LogStream {
  LogStreamId id;
  AccountId account;
  std::string log;  // "configuration", "network"; one stream of each
  LogDestination to;
  std::int64_t told_line = 0;  // everything before is there, or was not meant to be
  // Of all that was sent.
  std::optional<WallTime> last_sent;
  std::uint64_t entries = 0, bytes = 0, requests = 0, failed_requests = 0, longest_body = 0;
  friend bool operator==(const LogStream&, const LogStream&) = default;
};

class LogStreamStore {
 public:
  virtual ~LogStreamStore() = default;

  virtual Stored<std::vector<LogStream>> log_streams() = 0;
  // A new one, whose id is filled in.
  virtual Stored<LogStream> create_log_stream(LogStream stream, const AuditEntry& audit) = 0;
  // Where it leads.
  virtual Stored<void> update_log_stream(const LogStream& stream, const AuditEntry& audit) = 0;
  virtual Stored<void> remove_log_stream(LogStreamId id, const AuditEntry& audit) = 0;
  // How far it has got, and its figures.
  virtual Stored<void> note_streamed(const LogStream& stream) = 0;
};

}  // namespace aya::store
