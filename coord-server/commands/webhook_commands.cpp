// Webhooks: where other programs are told what happens in the network.
#include "coord-server/commands/json.h"
#include "coord-server/commands/table.h"
#include "coord-server/commands/verbs.h"

namespace aya::coord {
namespace {

// "nodeCreated,policyUpdate"; nothing means everything that is news.
Json subscriptions_in(const std::string& text) {
  Json out = Json::array();
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    if (comma > at) out.push_back(text.substr(at, comma - at));
    at = comma + 1;
  }
  if (out.empty()) out.push_back("categoryTailnetManagement");
  return out;
}

std::string path_of(const Invocation& call) { return "/webhooks/" + call.arguments[0]; }

void print_secret(const Json& webhook) {
  print(
      "Messages are signed with\n  " + text_at(webhook, "secret") +
      "\nwhich is shown only now.\n");
}

}  // namespace

Done webhook_add(const Invocation& call) {
  const Json wish = {
      {"endpointUrl", call.arguments[0]},
      {"providerType", call.line.get("provider")},
      {"subscriptions", subscriptions_in(call.line.get("events"))}};
  auto reply = call.client.call("POST", "/tailnet/-/webhooks", wish.dump());
  if (!reply) return reply.error();
  const Json made = parse_json(reply->body);
  if (call.json) {
    print(json_text(made));
    return {};
  }
  print("webhook " + text_at(made, "endpointId") + " made; webhook test tries it\n");
  print_secret(made);
  return {};
}

Done webhook_list(const Invocation& call) {
  auto reply = call.client.call("GET", "/tailnet/-/webhooks");
  if (!reply) return reply.error();
  const Json body = parse_json(reply->body);
  if (call.json) {
    print(json_text(body.value("webhooks", Json::array())));
    return {};
  }
  std::vector<std::vector<std::string>> rows = {
      {"ID", "URL", "EVENTS", "WAITING", "DELIVERED", "GIVEN UP", "LAST TROUBLE"}};
  for (const Json& one : list_at(body, "webhooks")) {
    std::string events;
    for (const Json& name : list_at(one, "subscriptions")) {
      events += (events.empty() ? "" : ",") + name.get<std::string>();
    }
    const Json state = one.value("ayatori", Json::object());
    rows.push_back(
        {text_at(one, "endpointId"), printable(text_at(one, "endpointUrl")), events,
         text_at(state, "waiting"), text_at(state, "delivered"), text_at(state, "givenUp"),
         printable(text_at(state, "trouble"))});
  }
  print(table(rows));
  return {};
}

Done webhook_events(const Invocation& call) {
  const Json wish = {{"subscriptions", subscriptions_in(call.arguments[1])}};
  auto reply = call.client.call("PATCH", path_of(call), wish.dump());
  if (!reply) return reply.error();
  print(call.json ? json_text(parse_json(reply->body)) : "changed\n");
  return {};
}

Done webhook_remove(const Invocation& call) {
  auto gone = call.client.call("DELETE", path_of(call));
  if (!gone) return gone.error();
  print(call.json ? json_text(Json::object()) : "removed\n");
  return {};
}

Done webhook_test(const Invocation& call) {
  auto sent = call.client.call("POST", path_of(call) + "/test");
  if (!sent) return sent.error();
  print(call.json ? json_text(Json::object())
                  : "a message is on its way; webhook ls shows whether it arrived\n");
  return {};
}

Done webhook_rotate(const Invocation& call) {
  auto reply = call.client.call("POST", path_of(call) + "/rotate");
  if (!reply) return reply.error();
  const Json webhook = parse_json(reply->body);
  if (call.json) {
    print(json_text(webhook));
    return {};
  }
  print_secret(webhook);
  return {};
}

}  // namespace aya::coord
