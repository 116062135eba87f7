#include "coord-server/log_streams/upload.h"

#include "coord-server/log_streams/entry_json.h"
#include "coord-server/log_streams/s3_object.h"
#include "proto/base/base64.h"
#include "proto/compression/compression.h"
#include "proto/http/target.h"

namespace aya::log_streams {
namespace {

using Json = nlohmann::json;

// What every receiver takes in one request; a single entry may be longer.
constexpr std::size_t kMostBytes = std::size_t{1} << 20;
constexpr int kConflict = 409;
constexpr std::size_t kLongestReason = 300;

// To the microsecond, which is what a double holds of them.
double seconds(WallTime time) {
  const auto since = std::chrono::floor<std::chrono::microseconds>(time.time_since_epoch());
  return static_cast<double>(since.count()) / 1e6;
}

// An object with one member more, which is JSON already: events may be long.
std::string with_event(const Json& record, const std::string& event) {
  std::string out = text_of(record);
  out.pop_back();
  return out + ",\"event\":" + event + '}';
}

std::string record_of(
    const LogDestination& to, std::string_view log, const std::string& tailnet,
    const LogLine& line, WallTime now) {
  if (to.type == "datadog") {
    const auto ms = std::chrono::floor<std::chrono::milliseconds>(line.time);
    return with_event(
        {{"ddsource", "ayatori"},
         {"ddtags", "log:" + std::string(log) + ",tailnet:" + tailnet},
         {"service", "ayatori-coord"},
         {"timestamp", ms.time_since_epoch().count()},
         {"message", line.summary}},
        line.event);
  }
  // The form that the service's own receivers know: {"time", "event", "fields"}.
  Json record = {{"time", seconds(line.time)}, {"fields", {{"recorded", seconds(now)}}}};
  if (to.type == "cribl") record["_time"] = record["time"];
  if (to.type == "axiom") record["_time"] = to_rfc3339(line.time);
  if (to.type != "elastic") return with_event(record, line.event) + '\n';
  // Made under a name of its own: what is sent again is not there twice.
  record["@timestamp"] = to_rfc3339(line.time);
  return text_of({{"create", {{"_id", line.id}}}}) + '\n' + with_event(record, line.event) + '\n';
}

std::string body_of(
    const LogDestination& to, std::string_view log, const std::string& tailnet,
    std::span<const LogLine> lines, WallTime now, std::size_t& taken) {
  const bool list = to.type == "datadog";
  std::string body = list ? "[" : "";
  for (const LogLine& line : lines) {
    const std::string record = record_of(to, log, tailnet, line, now);
    if (taken > 0 && body.size() + record.size() > kMostBytes) break;
    body += (list && taken > 0 ? "," : "") + record;
    ++taken;
  }
  return list ? body + ']' : body;
}

// "gzip" and "zstd" made so; nothing where it stays as it is.
std::string shrink(const LogDestination& to, Buffer& body) {
  if (to.compression != "gzip" && to.compression != "zstd") return {};
  auto small = to.compression == "gzip" ? compression::gzip(body) : compression::zstd(body);
  if (!small) return {};
  body = std::move(*small);
  return to.compression;
}

// People write the address of a server, or all of the endpoint.
std::string endpoint_of(const LogDestination& to, std::string_view log) {
  const http::Url url = *http::Url::parse(to.url);
  std::string target = url.target;
  if (target == "/") {
    if (to.type == "splunk") target = "/services/collector/event";
    if (to.type == "elastic") target = "/ayatori-" + std::string(log);
    if (to.type == "datadog") target = "/api/v2/logs";
    if (to.type == "cribl") target = "/cribl/_bulk";
  }
  const std::string path = target.substr(0, target.find('?'));
  if (to.type == "elastic" && !path.ends_with("/_bulk")) {
    target.insert(path.size(), path.ends_with('/') ? "_bulk" : "/_bulk");
  }
  return (url.tls ? "https://" : "http://") + url.authority() + target;
}

void put_credentials(const LogDestination& to, http::Headers& headers) {
  if (to.type == "datadog") return headers.set("DD-API-KEY", to.token);
  if (to.token.empty()) return;
  const bool hec = to.type == "splunk" || to.url.find("/services/collector") != std::string::npos;
  const bool by_name = to.type == "elastic" || to.type == "panther" || to.type == "cribl";
  std::string text = "Bearer " + to.token;
  if (to.type == "cribl") text = to.token;
  if (to.type == "elastic") text = "ApiKey " + to.token;
  if (by_name && !to.user.empty()) text = "Basic " + to_base64(as_bytes(to.user + ':' + to.token));
  if (hec) text = "Splunk " + to.token;
  headers.set("Authorization", text);
}

// Of an answer, which may be anything; null: there is none.
Json member(const Json& object, const char* name) {
  if (!object.is_object() || !object.contains(name)) return nullptr;
  return object.at(name);
}

int number(const Json& json) { return json.is_number_integer() ? json.get<int>() : 0; }

// Elastic answers 200 whatever became of the entries. One that is there already was sent before.
std::string bulk_refusal(const Json& answer) {
  if (member(answer, "errors") != true) return {};
  for (const Json& item : member(answer, "items")) {
    const Json made = member(item, "create");
    const int status = number(member(made, "status"));
    if ((status >= 200 && status < 300) || status == kConflict) continue;
    return "the receiver refused an entry: " +
           text_of(member(member(made, "error"), "reason")).substr(0, kLongestReason);
  }
  return {};
}

}  // namespace

Upload make_upload(
    const LogDestination& to, std::string_view log, const std::string& tailnet,
    std::span<const LogLine> lines, WallTime now) {
  Upload out;
  const std::string text = body_of(to, log, tailnet, lines, now, out.lines);
  const Bytes bytes = as_bytes(text);
  out.message.body.assign(bytes.begin(), bytes.end());
  const std::string coding = shrink(to, out.message.body);
  if (to.type == "s3") {
    become_object(to, log, tailnet, lines.front(), coding, now, out.message);
    return out;
  }
  out.message.url = endpoint_of(to, log);
  http::Headers& headers = out.message.headers;
  const bool json = to.type == "datadog" || to.type == "splunk";
  headers.set("Content-Type", json ? "application/json" : "application/x-ndjson");
  if (!coding.empty()) headers.set("Content-Encoding", coding);
  put_credentials(to, headers);
  return out;
}

std::string refusal_in(const LogDestination& to, const delivery::Outcome& outcome) {
  if (std::string trouble = delivery::trouble_in(outcome); !trouble.empty()) return trouble;
  const Json answer = Json::parse(outcome->body, nullptr, false);
  if (to.type == "elastic") return bulk_refusal(answer);
  const int failed = to.type == "axiom" ? number(member(answer, "failed")) : 0;
  return failed > 0 ? "the receiver refused " + std::to_string(failed) + " entries" : "";
}

}  // namespace aya::log_streams
