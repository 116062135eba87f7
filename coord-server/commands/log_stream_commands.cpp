// Log streams: where the network's logs are sent as they grow.
#include "coord-server/commands/file_argument.h"
#include "coord-server/commands/json.h"
#include "coord-server/commands/table.h"
#include "coord-server/commands/verbs.h"
#include "proto/base/parse_number.h"
#include "proto/http/target.h"

namespace aya::coord {
namespace {

std::string stream_of(const Invocation& call) {
  return "/tailnet/-/logging/" + http::percent_encode(call.arguments[0]) + "/stream";
}

// What is written by options, with the secret in a file: a command line is seen by everybody.
Result<Json, Failure> stream_by_options(const Invocation& call) {
  const std::string& type = call.arguments[1];
  Json out = {{"destinationType", type}};
  struct Option {
    const char *option, *field;
  };
  for (const Option& each :
       {Option{"url", "url"}, {"user", "user"}, {"compression", "compressionFormat"},
        {"bucket", "s3Bucket"}, {"region", "s3Region"}, {"prefix", "s3KeyPrefix"},
        {"access-key", "s3AccessKeyId"}}) {
    if (call.line.has(each.option)) out[each.field] = call.line.get(each.option);
  }
  if (type == "s3") out["s3AuthenticationType"] = "accesskey";
  if (call.line.has("period")) {
    const auto minutes = parse_number<int>(call.line.get("period"));
    if (!minutes) return Failure{Exit::Usage, "--period wants minutes, 1 to 1440"};
    out["uploadPeriodMinutes"] = *minutes;
  }
  if (call.line.has("secret-file")) {
    auto secret = file_argument(call.line.get("secret-file"));
    if (!secret) return secret.error();
    while (secret->ends_with('\n') || secret->ends_with('\r')) secret->pop_back();
    out[type == "s3" ? "s3SecretAccessKey" : "token"] = *secret;
  }
  return out;
}

// All that the API takes, as it takes it.
Result<Json, Failure> stream_in_file(const std::string& file) {
  auto text = file_argument(file);
  if (!text) return text.error();
  Json out = Json::parse(*text, nullptr, false);
  if (out.is_object()) return out;
  return Failure{Exit::Usage, printable(file) + ": want a JSON object, as the API takes it"};
}

void print_fields(const Json& object) {
  std::vector<std::vector<std::string>> rows = {{"FIELD", "VALUE"}};
  for (const auto& [name, value] : object.items()) {
    if (!value.is_object()) rows.push_back({name, shown(value)});
  }
  print(table(rows));
}

Done print_of_stream(const Invocation& call, const std::string& target) {
  auto reply = call.client.call("GET", target);
  if (!reply) return reply.error();
  const Json body = parse_json(reply->body);
  if (call.json) {
    print(json_text(body));
  } else {
    print_fields(body);
  }
  return {};
}

}  // namespace

Done log_stream_set(const Invocation& call) {
  const bool by_file = call.line.has("file");
  if (by_file == (call.arguments.size() == 2)) {
    return Failure{Exit::Usage, "want a destination with its options, or --file FILE instead"};
  }
  auto wish = by_file ? stream_in_file(call.line.get("file")) : stream_by_options(call);
  if (!wish) return wish.error();
  auto reply = call.client.call("PUT", stream_of(call), wish->dump());
  if (!reply) return reply.error();
  print(call.json ? json_text(Json::object())
                  : "set; log-stream status " + call.arguments[0] + " shows whether it arrives\n");
  return {};
}

Done log_stream_show(const Invocation& call) { return print_of_stream(call, stream_of(call)); }

Done log_stream_remove(const Invocation& call) {
  auto gone = call.client.call("DELETE", stream_of(call));
  if (!gone) return gone.error();
  print(call.json ? json_text(Json::object()) : "removed\n");
  return {};
}

Done log_stream_status(const Invocation& call) {
  return print_of_stream(call, stream_of(call) + "/status");
}

}  // namespace aya::coord
