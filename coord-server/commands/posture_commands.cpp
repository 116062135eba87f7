// Posture integrations: services that say in which state the machines are, for policies to ask for.
#include "coord-server/commands/file_argument.h"
#include "coord-server/commands/json.h"
#include "coord-server/commands/table.h"
#include "coord-server/commands/verbs.h"
#include "proto/http/target.h"

namespace aya::coord {
namespace {

constexpr const char* kAll = "/tailnet/-/posture/integrations";

struct Option {
  const char *option, *field;
};
constexpr Option kOptions[] = {
    {"cloud", "cloudId"}, {"client", "clientId"}, {"tenant", "tenantId"}};

// A secret is never an argument: a command line is seen by everybody.
Result<Json, Failure> wish_of(const Invocation& call, bool wants_secret) {
  Json out = Json::object();
  for (const Option& each : kOptions) {
    if (call.line.has(each.option)) out[each.field] = call.line.get(each.option);
  }
  if (!wants_secret) return out;
  if (!call.line.has("secret-file")) print_error("secret (ends with the input): ");
  auto secret = file_argument(call.line.get("secret-file", "-"));
  if (!secret) return secret.error();
  while (secret->ends_with('\n') || secret->ends_with('\r')) secret->pop_back();
  out["clientSecret"] = *secret;
  return out;
}

// The one that is named by its provider, of which there is one at most, or by its id.
Result<std::string, Failure> path_of(const Invocation& call) {
  const std::string& name = call.arguments[0];
  auto reply = call.client.call("GET", kAll);
  if (!reply) return reply.error();
  for (const Json& one : list_at(parse_json(reply->body), "integrations")) {
    const std::string id = text_at(one, "id");
    if (name == id || name == text_at(one, "provider")) {
      return "/posture/integrations/" + http::percent_encode(id);
    }
  }
  return Failure{Exit::Failed, "no posture integration \"" + printable(name) + '"'};
}

}  // namespace

Done posture_list(const Invocation& call) {
  auto reply = call.client.call("GET", kAll);
  if (!reply) return reply.error();
  const Json body = parse_json(reply->body);
  if (call.json) {
    print(json_text(list_at(body, "integrations")));
    return {};
  }
  std::vector<std::vector<std::string>> rows = {
      {"PROVIDER", "CLOUD", "HOSTS", "NODES", "MATCHED", "LAST SYNC", "TROUBLE"}};
  for (const Json& one : list_at(body, "integrations")) {
    const Json status = one.value("status", Json::object());
    rows.push_back(
        {text_at(one, "provider"), printable(text_at(one, "cloudId")),
         text_at(status, "providerHostCount"), text_at(status, "possibleMatchedCount"),
         text_at(status, "matchedCount"), text_at(status, "lastSync"),
         printable(text_at(status, "error"))});
  }
  print(table(rows));
  return {};
}

Done posture_add(const Invocation& call) {
  auto wish = wish_of(call, true);
  if (!wish) return wish.error();
  (*wish)["provider"] = call.arguments[0];
  auto reply = call.client.call("POST", kAll, wish->dump());
  if (!reply) return reply.error();
  print(
      call.json ? json_text(parse_json(reply->body))
                : "added, and asked; posture ls shows what came of it. Nodes are matched by their "
                  "serial numbers: settings set postureIdentityCollectionOn true\n");
  return {};
}

Done posture_set(const Invocation& call) {
  auto path = path_of(call);
  if (!path) return path.error();
  auto wish = wish_of(call, call.line.has("secret-file"));
  if (!wish) return wish.error();
  auto reply = call.client.call("PATCH", *path, wish->dump());
  if (!reply) return reply.error();
  print(call.json ? json_text(parse_json(reply->body)) : "changed\n");
  return {};
}

Done posture_remove(const Invocation& call) {
  auto path = path_of(call);
  if (!path) return path.error();
  auto gone = call.client.call("DELETE", *path);
  if (!gone) return gone.error();
  print(call.json ? json_text(Json::object()) : "removed, with the attributes that came from it\n");
  return {};
}

Done posture_sync(const Invocation& call) {
  auto path = path_of(call);
  if (!path) return path.error();
  auto asked = call.client.call("POST", *path + "/sync");
  if (!asked) return asked.error();
  print(call.json ? json_text(Json::object()) : "asked; posture ls shows what came of it\n");
  return {};
}

}  // namespace aya::coord
