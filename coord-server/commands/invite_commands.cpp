// Invitations of people: links by which somebody becomes a user.
#include "coord-server/commands/json.h"
#include "coord-server/commands/mail_calls.h"
#include "coord-server/commands/made_link.h"
#include "coord-server/commands/table.h"
#include "coord-server/commands/verbs.h"

namespace aya::coord {

Done invite_add(const Invocation& call) {
  Json wish = {{"role", call.line.get("role", "member")}};
  if (call.line.has("email")) wish["email"] = call.line.get("email");
  auto reply = call.client.call("POST", "/tailnet/-/user-invites", Json::array({wish}).dump());
  if (!reply) return reply.error();
  return show_made_link(call, *reply, [](const Json& invite, const std::string& until) {
    return "whoever opens this link until " + until + " becomes a user (" +
           text_at(invite, "role") + ")";
  });
}

Done invite_list(const Invocation& call) {
  auto reply = call.client.call("GET", "/tailnet/-/user-invites");
  if (!reply) return reply.error();
  const Json invites = parse_json(reply->body);
  if (call.json) {
    print(json_text(invites));
    return {};
  }
  std::vector<std::vector<std::string>> rows = {
      {"ID", "ROLE", "E-MAIL", "MAILED", "UNTIL", "LINK"}};
  for (const Json& one : invites) {
    rows.push_back(
        {text_at(one, "id"), text_at(one, "role"), printable(text_at(one, "email")),
         mailed_text(one), text_at(one, "expires").substr(0, 10), text_at(one, "inviteUrl")});
  }
  print(table(rows));
  return {};
}

Done invite_resend(const Invocation& call) {
  return resend(call, "/user-invites/" + call.arguments[0] + "/resend");
}

Done invite_remove(const Invocation& call) {
  auto gone = call.client.call("DELETE", "/user-invites/" + call.arguments[0]);
  if (!gone) return gone.error();
  print(call.json ? json_text(Json::object()) : "taken back\n");
  return {};
}

}  // namespace aya::coord
