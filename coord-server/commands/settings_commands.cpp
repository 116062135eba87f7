#include "coord-server/commands/node_calls.h"
#include "coord-server/commands/table.h"
#include "coord-server/commands/verbs.h"

namespace aya::coord {
namespace {

// Numbers, true and false as such; everything else is a text.
Json value_from(const std::string& text) {
  Json value = Json::parse(text, nullptr, false);
  return value.is_number() || value.is_boolean() ? value : Json(text);
}

Done print_settings(const Invocation& call, const std::string& body) {
  const Json settings = parse_json(body);
  if (call.json) {
    print(json_text(settings));
    return {};
  }
  std::vector<std::vector<std::string>> rows = {{"SETTING", "VALUE"}};
  for (const auto& [name, value] : settings.items()) rows.push_back({name, shown(value)});
  print(table(rows));
  return {};
}

}  // namespace

Done settings_show(const Invocation& call) {
  auto reply = call.client.call("GET", "/tailnet/-/settings");
  if (!reply) return reply.error();
  return print_settings(call, reply->body);
}

// The server ignores fields it does not know, so a mistyped one is found here.
Done settings_set(const Invocation& call) {
  const std::string& name = call.arguments[0];
  auto known = call.client.call("GET", "/tailnet/-/settings");
  if (!known) return known.error();
  if (!parse_json(known->body).contains(name)) {
    return Failure{
        Exit::Usage, "no setting \"" + printable(name) + "\"; `settings show` lists them"};
  }
  const Json wish = {{name, value_from(call.arguments[1])}};
  auto reply = call.client.call("PATCH", "/tailnet/-/settings", wish.dump());
  if (!reply) return reply.error();
  return print_settings(call, reply->body);
}

}  // namespace aya::coord
