#include "coord-server/commands/json.h"
#include "coord-server/commands/table.h"
#include "coord-server/commands/verbs.h"

namespace aya::coord {

Done account_add(const Invocation& call) {
  const Json wish = {{"name", call.arguments[0]}, {"owner", call.line.get("owner", "owner")}};
  auto reply = call.client.call("POST", "/accounts", wish.dump());
  if (!reply) return reply.error();
  const Json account = parse_json(reply->body);
  print(
      call.json ? json_text(account)
                : "account " + text_at(account, "name") + " made; its machines are called NAME." +
                      text_at(account, "domain") + "\n");
  return {};
}

Done account_list(const Invocation& call) {
  auto reply = call.client.call("GET", "/accounts");
  if (!reply) return reply.error();
  const Json accounts = list_at(parse_json(reply->body), "accounts");
  if (call.json) {
    print(json_text(accounts));
    return {};
  }
  std::vector<std::vector<std::string>> rows = {{"NAME", "DOMAIN", "DEVICES"}};
  for (const Json& account : accounts) {
    rows.push_back(
        {printable(text_at(account, "name")), text_at(account, "domain"),
         text_at(account, "deviceCount")});
  }
  print(table(rows));
  return {};
}

Done account_remove(const Invocation& call) {
  auto reply = call.client.call("GET", "/accounts");
  if (!reply) return reply.error();
  for (const Json& account : list_at(parse_json(reply->body), "accounts")) {
    if (text_at(account, "name") != call.arguments[0]) continue;
    auto gone = call.client.call("DELETE", "/accounts/" + text_at(account, "id"));
    if (!gone) return gone.error();
    print(call.json ? json_text(account) : printable(call.arguments[0]) + " removed\n");
    return {};
  }
  return Failure{Exit::Failed, "no account \"" + printable(call.arguments[0]) + '"'};
}

}  // namespace aya::coord
