#include "coord-server/commands/node_calls.h"
#include "coord-server/commands/table.h"
#include "coord-server/commands/verbs.h"
#include "proto/http/target.h"

namespace aya::coord {
namespace {

// What keys and tokens are asked for in the same words.
Result<Json, Failure> common_wish(const Invocation& call, const char* type) {
  Json wish = {{"keyType", type}, {"description", call.line.get("description")}};
  if (call.line.has("user")) wish["user"] = call.line.get("user");
  if (!call.line.has("expires")) return wish;
  const auto valid_for = parse_duration(call.line.get("expires"));
  if (!valid_for) {
    return Failure{Exit::Usage, "--expires wants a duration as 30m, 24h, 90d or 2w"};
  }
  wish["expirySeconds"] = valid_for->count();
  return wish;
}

Result<Json, Failure> create(const Invocation& call, const Json& wish) {
  auto reply = call.client.call("POST", "/tailnet/-/keys", wish.dump());
  if (!reply) return reply.error();
  return parse_json(reply->body);
}

std::string about_key(const Json& key, const Json& wish) {
  const Json how = wish["capabilities"]["devices"]["create"];
  std::string text = flag_at(how, "reusable") ? "any number of devices" : "one device";
  if (flag_at(how, "ephemeral")) text += ", forgotten when away";
  return text + ", until " + text_at(key, "expires");
}

// The lines to run on the new device.
std::string instructions(const Json& key, const Json& wish) {
  const Json lines = key.value("ayatori", Json::object());
  std::string text =
      "On the new device (" + about_key(key, wish) + "):\n\n  " + text_at(lines, "up") + "\n\n";
  const std::string file = text_at(lines, "certificateFile");
  text += "With a stock Tailscale client:\n\n";
  if (!file.empty()) {
    text += "  (tailscaled started with SSL_CERT_FILE naming a copy of " + file + ")\n";
  }
  return text + "  " + text_at(lines, "stock") + '\n';
}

std::string capabilities(const Json& key) {
  if (text_at(key, "keyType") == "api") return "REST API";
  if (text_at(key, "keyType") == "client") return "OAuth: " + joined(list_at(key, "scopes"));
  if (text_at(key, "keyType") == "federated") {
    return "federated: " + joined(list_at(key, "scopes"));
  }
  const Json how = key.value("/capabilities/devices/create"_json_pointer, Json::object());
  std::string text = flag_at(how, "reusable") ? "reusable" : "one device";
  if (flag_at(how, "ephemeral")) text += ", ephemeral";
  const std::string tags = joined(list_at(how, "tags"));
  if (!tags.empty()) text += ", " + tags;
  return text;
}

}  // namespace

Done key_add(const Invocation& call) {
  auto wish = common_wish(call, "auth");
  if (!wish) return wish.error();
  (*wish)["capabilities"]["devices"]["create"] = {
      {"reusable", call.line.has("reusable")},
      {"ephemeral", call.line.has("ephemeral")},
      {"preauthorized", true},
      {"tags", tags_from(call.line.get("tag"))}};
  if (call.line.has("ip")) (*wish)["ipv4"] = call.line.get("ip");
  auto key = create(call, *wish);
  if (!key) return key.error();
  if (call.json) {
    print(json_text(*key));
  } else if (call.line.has("q")) {
    print(text_at(*key, "key") + '\n');
  } else {
    print(instructions(*key, *wish));
  }
  return {};
}

Done token_add(const Invocation& call) {
  auto wish = common_wish(call, "api");
  if (!wish) return wish.error();
  auto token = create(call, *wish);
  if (!token) return token.error();
  if (call.json) {
    print(json_text(*token));
    return {};
  }
  if (!call.line.has("q")) {
    print_error("Shown once; valid until " + text_at(*token, "expires") + ":\n");
  }
  print(text_at(*token, "key") + '\n');
  return {};
}

Done key_list(const Invocation& call) {
  auto reply = call.client.call("GET", "/tailnet/-/keys", "", "all=true");
  if (!reply) return reply.error();
  const Json keys = list_at(parse_json(reply->body), "keys");
  if (call.json) {
    print(json_text(keys));
    return {};
  }
  std::vector<std::vector<std::string>> rows = {{"ID", "FOR", "STATE", "EXPIRES", "DESCRIPTION"}};
  for (const Json& key : keys) {
    rows.push_back(
        {text_at(key, "id"), capabilities(key), flag_at(key, "invalid") ? "used up" : "valid",
         text_at(key, "expires"), printable(text_at(key, "description"))});
  }
  print(table(rows));
  return {};
}

Done key_remove(const Invocation& call) {
  const std::string& id = call.arguments[0];
  auto reply = call.client.call("DELETE", "/tailnet/-/keys/" + http::percent_encode(id));
  if (!reply) return reply.error();
  print(call.json ? json_text(Json::object()) : printable(id) + " revoked\n");
  return {};
}

}  // namespace aya::coord
