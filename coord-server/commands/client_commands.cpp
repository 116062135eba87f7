// Programs that steer the network by the REST API: OAuth clients, who have a secret, and federated
// identities, who bring what another server says of them.
#include <algorithm>

#include "coord-server/commands/node_calls.h"
#include "coord-server/commands/table.h"
#include "coord-server/commands/verbs.h"
#include "proto/http/target.h"

namespace aya::coord {
namespace {

// The parts between separators that are not empty.
std::vector<std::string> parts_of(std::string_view text, char separator) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (end > 0) out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

Json wish_for(const Invocation& call, const char* type) {
  return {
      {"keyType", type},
      {"scopes", parts_of(call.arguments[0], ',')},
      {"tags", tags_from(call.line.get("tag"))},
      {"description", call.line.get("description")}};
}

Result<Json, Failure> create(const Invocation& call, const Json& wish) {
  auto reply = call.client.call("POST", "/tailnet/-/keys", wish.dump());
  if (!reply) return reply.error();
  return parse_json(reply->body);
}

// "environment=prod", once for each claim.
Result<Json, Failure> claim_rules(const Invocation& call) {
  Json rules = Json::object();
  for (const std::string& rule : parts_of(call.line.get("claim"), kBetweenRepeated)) {
    const std::size_t equals = rule.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Failure{Exit::Usage, "--claim wants NAME=PATTERN, as environment=prod"};
    }
    rules[rule.substr(0, equals)] = rule.substr(equals + 1);
  }
  return rules;
}

std::string rules_text(const Json& key) {
  const Json rules = key.value("customClaimRules", Json::object());
  std::string text;
  for (const auto& [name, pattern] : rules.items()) {
    text += (text.empty() ? "" : ", ") + name + " is ";
    text += pattern.is_string() ? pattern.get<std::string>() : pattern.dump();
  }
  return printable(text);
}

// What both sides have to be told.
std::string instructions(const Json& key) {
  const std::string id = text_at(key, "id");
  std::string tags;
  for (const Json& tag : list_at(key, "tags")) {
    if (tag.is_string()) tags += (tags.empty() ? "" : ",") + tag.get<std::string>();
  }
  return "Identity " + id + ", for tokens that " + printable(text_at(key, "issuer")) +
         " makes for the audience\n\n  " + printable(text_at(key, "audience")) +
         "\n\nA device joins with such a token:\n\n  ayatori up --client-id " + id +
         " --id-token file:TOKEN --advertise-tags " + (tags.empty() ? "tag:…" : printable(tags)) +
         " --login-server URL\n";
}

}  // namespace

Done oauth_add(const Invocation& call) {
  auto client = create(call, wish_for(call, "client"));
  if (!client) return client.error();
  if (call.json) {
    print(json_text(*client));
    return {};
  }
  if (!call.line.has("q"))
    print_error("Client " + text_at(*client, "id") + "; its secret, shown once:\n");
  print(text_at(*client, "key") + '\n');
  return {};
}

Done federated_add(const Invocation& call) {
  Json wish = wish_for(call, "federated");
  for (const char* field : {"issuer", "subject", "audience"}) wish[field] = call.line.get(field);
  auto rules = claim_rules(call);
  if (!rules) return rules.error();
  wish["customClaimRules"] = std::move(*rules);
  auto identity = create(call, wish);
  if (!identity) return identity.error();
  if (call.json) {
    print(json_text(*identity));
  } else if (call.line.has("q")) {
    print(text_at(*identity, "id") + '\n');
  } else {
    print(instructions(*identity));
  }
  return {};
}

Done key_show(const Invocation& call) {
  auto reply =
      call.client.call("GET", "/tailnet/-/keys/" + http::percent_encode(call.arguments[0]));
  if (!reply) return reply.error();
  const Json key = parse_json(reply->body);
  if (call.json) {
    print(json_text(key));
    return {};
  }
  const Json how = key.value("/capabilities/devices/create"_json_pointer, Json::object());
  const Json tags = how.empty() ? list_at(key, "tags") : list_at(how, "tags");
  std::vector<std::vector<std::string>> rows = {
      {"Id", text_at(key, "id")},
      {"Kind", text_at(key, "keyType")},
      {"Description", printable(text_at(key, "description"))},
      {"State", flag_at(key, "invalid") ? "not valid" : "valid"},
      {"Created", text_at(key, "created")},
      {"Tags", joined(tags)}};
  const auto add = [&](const char* name, std::string value) {
    if (!value.empty()) rows.push_back({name, std::move(value)});
  };
  add("Expires", text_at(key, "expires"));
  add("Scopes", joined(list_at(key, "scopes")));
  add("Issuer", printable(text_at(key, "issuer")));
  add("Audience", printable(text_at(key, "audience")));
  add("Subject", printable(text_at(key, "subject")));
  add("Claims", rules_text(key));
  print(table(rows));
  return {};
}

}  // namespace aya::coord
