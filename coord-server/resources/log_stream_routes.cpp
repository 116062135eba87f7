// Log streams (interfaces 1.11): where an account's logs are sent as they grow.
#include "coord-server/api/json.h"
#include "coord-server/resources/handlers.h"

namespace aya::resources {
namespace {

using log_streams::LogDestination;
using log_streams::LogStream;

// A text of a destination by its name in JSON. Secrets go in and never come out.
enum class Shown { Always, Never };
struct TextField {
  const char* name;
  std::string LogDestination::* at;
  Shown shown = Shown::Always;
};
constexpr std::array kTexts = {
    TextField{"destinationType", &LogDestination::type},
    TextField{"url", &LogDestination::url},
    TextField{"user", &LogDestination::user},
    TextField{"token", &LogDestination::token, Shown::Never},
    TextField{"compressionFormat", &LogDestination::compression},
    TextField{"s3Bucket", &LogDestination::s3_bucket},
    TextField{"s3Region", &LogDestination::s3_region},
    TextField{"s3KeyPrefix", &LogDestination::s3_key_prefix},
    TextField{"s3AuthenticationType", &LogDestination::s3_authentication},
    TextField{"s3AccessKeyId", &LogDestination::s3_access_key},
    TextField{"s3SecretAccessKey", &LogDestination::s3_secret_key, Shown::Never},
    TextField{"s3RoleArn", &LogDestination::s3_role},
    TextField{"s3ExternalId", &LogDestination::s3_external_id},
    TextField{"gcsBucket", &LogDestination::gcs_bucket},
    TextField{"gcsKeyPrefix", &LogDestination::gcs_key_prefix},
    TextField{"gcsCredentials", &LogDestination::gcs_credentials}};

// As it was written, without what was not.
Json destination_json(const LogDestination& to) {
  Json out = Json::object();
  for (const TextField& field : kTexts) {
    const std::string& value = to.*field.at;
    if (field.shown == Shown::Always && !value.empty()) out[field.name] = value;
  }
  if (to.upload_minutes > 0) out["uploadPeriodMinutes"] = to.upload_minutes;
  if (!to.gcs_scopes.empty()) out["gcsScopes"] = to.gcs_scopes;
  return out;
}

Answer<LogDestination> destination_in(const http::Request& request) {
  auto body = body_object(request);
  if (!body) return body.error();
  LogDestination out;
  for (const TextField& field : kTexts) {
    auto text = text_field(*body, field.name);
    if (!text) return text.error();
    out.*field.at = std::move(*text);
  }
  auto minutes = number_field(*body, "uploadPeriodMinutes");
  if (!minutes) return minutes.error();
  constexpr std::int64_t kMinutesOfDay = 24 * 60;
  if (*minutes < 0 || *minutes > kMinutesOfDay) {
    return ApiError::bad_request("uploadPeriodMinutes: want 1 to 1440");
  }
  out.upload_minutes = static_cast<int>(*minutes);
  auto scopes = texts_field(*body, "gcsScopes");
  if (!scopes) return scopes.error();
  out.gcs_scopes = std::move(*scopes);
  if (const std::string fault = log_streams::fault_in(out); !fault.empty()) {
    return ApiError::bad_request(fault);
  }
  return out;
}

struct Place {
  const store::Account* account;
  const std::string& log;
};

Answer<Place> place_in_path(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  if (!log_streams::is_log(c.path[1])) return ApiError::not_found("log");
  return Place{*account, c.path[1]};
}

Answer<const LogStream*> stream_in_path(const AdminContext& c) {
  auto place = place_in_path(c);
  if (!place) return place.error();
  const LogStream* stream = c.log_streams.find(place->account->id, place->log);
  if (stream == nullptr) return ApiError{404, "log streaming is not configured"};
  return stream;
}

store::AuditEntry about(
    const AdminContext& c, store::AccountId account, const std::string& log, std::string action) {
  store::AuditEntry entry = c.audit(std::move(action), "LOGSTREAM_ENDPOINT");
  entry.account = account;
  entry.target_id = entry.target_name = log;
  return entry;
}

}  // namespace

Answer<http::Response> get_log_stream(const AdminContext& c) {
  auto stream = stream_in_path(c);
  if (!stream) return stream.error();
  Json out = destination_json((*stream)->to);
  out["logType"] = (*stream)->log;
  return http::Response::json(200, text_of(out));
}

Answer<http::Response> put_log_stream(const AdminContext& c) {
  auto place = place_in_path(c);
  if (!place) return place.error();
  auto to = destination_in(c.request);
  if (!to) return to.error();
  if (const std::string why = log_streams::undeliverable(*to);
      !why.empty() && place->log == log_streams::kConfiguration) {
    return ApiError{501, why};
  }
  const LogStream* known = c.log_streams.find(place->account->id, place->log);
  if (known != nullptr && known->to == *to) return http::Response::json(200, "{}");
  store::AuditEntry entry =
      about(c, place->account->id, place->log, known == nullptr ? "CREATE" : "UPDATE");
  if (known != nullptr) entry.old_value = text_of(destination_json(known->to));
  entry.new_value = text_of(destination_json(*to));
  if (entry.old_value == entry.new_value) entry.details = "with another secret";
  auto stored = c.log_streams.set(place->account->id, place->log, std::move(*to), entry);
  if (!stored) return ApiError::of(stored.error());
  return http::Response::json(200, "{}");
}

Answer<http::Response> delete_log_stream(const AdminContext& c) {
  auto stream = stream_in_path(c);
  if (!stream) return stream.error();
  store::AuditEntry entry = about(c, (*stream)->account, (*stream)->log, "DELETE");
  entry.old_value = text_of(destination_json((*stream)->to));
  if (auto gone = c.log_streams.remove(**stream, entry); !gone) return ApiError::of(gone.error());
  return http::Response::json(200, "{}");
}

Answer<http::Response> get_log_stream_status(const AdminContext& c) {
  auto found = stream_in_path(c);
  if (!found) return found.error();
  const LogStream& stream = **found;
  const log_streams::LogStreams::State state = c.log_streams.state(stream, c.now);
  const char* nothing = "nothing is collected: the setting networkFlowLoggingOn is off";
  return http::Response::json(
      200,
      text_of(
          {{"lastActivity",
            stream.last_sent ? to_rfc3339(*stream.last_sent) : std::string(kZeroTimeText)},
           {"lastError", state.collected ? state.trouble : nothing},
           {"maxBodySize", stream.longest_body},
           {"numBytesSent", stream.bytes},
           {"numEntriesSent", stream.entries},
           {"numTotalRequests", stream.requests},
           {"numFailedRequests", stream.failed_requests},
           {"numSpoofedEntries", 0},
           {"rateBytesSent", state.bytes_rate},
           {"rateEntriesSent", state.entries_rate},
           {"rateTotalRequests", state.requests_rate},
           {"rateFailedRequests", state.failed_rate},
           {"ayatori", {{"collected", state.collected}}}}));
}

}  // namespace aya::resources
