#include "coord-server/commands/policy_file.h"

#include "coord-server/commands/table.h"
#include "proto/base/base64.h"

namespace aya::coord {
namespace {

constexpr std::string_view kAcl = "/tailnet/-/acl";
constexpr const char* kHuJson = "application/hujson";

std::vector<std::string> remarks(const Json& verdict, const char* kind) {
  std::vector<std::string> out;
  for (const Json& item : list_at(verdict, "data")) {
    for (const Json& line : list_at(item, kind)) {
      if (!line.is_string()) continue;
      out.push_back(printable(text_at(item, "user")) + ": " + printable(line.get<std::string>()));
    }
  }
  return out;
}

}  // namespace

Result<PolicyText, Failure> policy_in_force(const Invocation& call) {
  auto reply = call.client.call("GET", kAcl, "", "details=1");
  if (!reply) return reply.error();
  const auto bytes = parse_base64(text_at(parse_json(reply->body), "acl"));
  if (!bytes) return Failure{Exit::Failed, "the server's answer holds no policy"};
  return PolicyText{std::string(as_text(*bytes)), reply->etag};
}

Result<Json, Failure> policy_versions(const Invocation& call) {
  auto reply = call.client.call("GET", std::string(kAcl) + "/versions");
  if (!reply) return reply.error();
  return list_at(parse_json(reply->body), "versions");
}

Result<std::vector<std::string>, Failure> check_policy(
    const Invocation& call, const std::string& text) {
  auto reply = call.client.call(
      "POST", std::string(kAcl) + "/validate", text, "", {.body_type = kHuJson, .if_match = ""});
  if (!reply) return reply.error();
  const Json verdict = parse_json(reply->body);
  const auto errors = remarks(verdict, "errors");
  if (errors.empty()) return remarks(verdict, "warnings");
  std::string all = printable(text_at(verdict, "message"));
  for (const std::string& line : errors) all += "\n  " + line;
  return Failure{Exit::Failed, all};
}

Done send_policy(const Invocation& call, const std::string& text, const std::string& etag) {
  auto reply = call.client.call("POST", kAcl, text, "", {.body_type = kHuJson, .if_match = etag});
  if (!reply) return reply.error();
  return {};
}

}  // namespace aya::coord
