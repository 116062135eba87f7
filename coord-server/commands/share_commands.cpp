// Sharing one device with another network: links, who followed them, and ending it from either
// side.
#include "coord-server/commands/made_link.h"
#include "coord-server/commands/mail_calls.h"
#include "coord-server/commands/node_calls.h"
#include "coord-server/commands/table.h"

namespace aya::coord {
namespace {

std::string state_of(const Json& invite) {
  const Json by = invite.value("acceptedBy", Json::object());
  const std::string who = by.is_object() ? printable(text_at(by, "loginName")) : "";
  const std::string count = text_at(invite, "acceptances");
  if (!flag_at(invite, "accepted"))
    return "waits until " + text_at(invite, "expires").substr(0, 10);
  return flag_at(invite, "multiUse") ? "accepted " + count + " times" : "accepted by " + who;
}

}  // namespace

Done share_add(const Invocation& call) {
  auto device = chosen_node(call);
  if (!device) return device.error();
  Json wish = {
      {"multiUse", call.line.has("multi-use")}, {"allowExitNode", call.line.has("exit-node")}};
  if (call.line.has("email")) wish["email"] = call.line.get("email");
  auto reply =
      call.client.call("POST", node_path(*device) + "/device-invites", Json::array({wish}).dump());
  if (!reply) return reply.error();
  return show_made_link(call, *reply, [&](const Json&, const std::string& until) {
    return shown_label(*device) + " can be added to another network until " + until +
           " by who opens";
  });
}

Done share_list(const Invocation& call) {
  auto reply = call.client.call("GET", "/tailnet/-/device-shares");
  if (!reply) return reply.error();
  const Json shares = parse_json(reply->body);
  if (call.json) {
    print(json_text(shares));
    return {};
  }
  std::vector<std::vector<std::string>> rows = {{"ID", "", "DEVICE", "EXIT NODE", "STATE"}};
  const auto exit_node = [](const Json& one) {
    return std::string(flag_at(one, "allowExitNode") ? "yes" : "no");
  };
  for (const Json& one : list_at(shares, "out")) {
    rows.push_back(
        {text_at(one, "id"), "out", printable(text_at(one, "name")), exit_node(one),
         state_of(one)});
  }
  for (const Json& one : list_at(shares, "in")) {
    const Json sharer = one.value("sharer", Json::object());
    rows.push_back(
        {text_at(one, "id"), "in", printable(text_at(one, "name")), exit_node(one),
         text_at(one, "address") + ", from " + printable(text_at(sharer, "loginName"))});
  }
  print(table(rows));
  return {};
}

Done share_resend(const Invocation& call) {
  return resend(call, "/device-invites/" + call.arguments[0] + "/resend");
}

Done share_remove(const Invocation& call) {
  auto gone = call.client.call("DELETE", "/device-invites/" + call.arguments[0]);
  if (!gone) return gone.error();
  print(call.json ? json_text(Json::object()) : "no longer shared\n");
  return {};
}

Done share_accept(const Invocation& call) {
  auto reply = call.client.call(
      "POST", "/device-invites/-/accept", Json({{"invite", call.arguments[0]}}).dump());
  if (!reply) return reply.error();
  const Json accepted = parse_json(reply->body);
  if (call.json) {
    print(json_text(accepted));
    return {};
  }
  const Json device = accepted.value("device", Json::object());
  print(printable(text_at(device, "name")) + " added; ayatori-coord share ls shows its address\n");
  return {};
}

}  // namespace aya::coord
