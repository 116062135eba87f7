#include "coord-server/commands/json.h"
#include "coord-server/commands/table.h"
#include "coord-server/commands/verbs.h"

namespace aya::coord {

Done user_add(const Invocation& call) {
  const Json wish = {{"loginName", call.arguments[0]}, {"role", call.line.get("role", "member")}};
  auto reply = call.client.call("POST", "/tailnet/-/users", wish.dump());
  if (!reply) return reply.error();
  const Json user = parse_json(reply->body);
  print(call.json ? json_text(user) : "user " + text_at(user, "loginName") + " added\n");
  return {};
}

Done user_list(const Invocation& call) {
  auto reply = call.client.call("GET", "/tailnet/-/users");
  if (!reply) return reply.error();
  const Json users = list_at(parse_json(reply->body), "users");
  if (call.json) {
    print(json_text(users));
    return {};
  }
  std::vector<std::vector<std::string>> rows = {{"NAME", "ROLE", "DEVICES"}};
  for (const Json& user : users) {
    rows.push_back(
        {printable(text_at(user, "loginName")), text_at(user, "role"),
         text_at(user, "deviceCount")});
  }
  print(table(rows));
  return {};
}

}  // namespace aya::coord
