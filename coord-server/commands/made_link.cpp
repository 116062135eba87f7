#include "coord-server/commands/made_link.h"

#include "coord-server/commands/table.h"

namespace aya::coord {

Done show_made_link(
    const Invocation& call, const AdminClient::Reply& answer,
    const std::function<std::string(const Json& invite, const std::string& until)>& sentence) {
  const Json made = parse_json(answer.body);
  if (!answer.warning.empty()) print_error("ayatori-coord: " + answer.warning + '\n');
  const Json invite = made.is_array() && !made.empty() ? made[0] : Json::object();
  const std::string url = text_at(invite, "inviteUrl");
  if (call.json || call.line.has("q")) {
    print(call.json ? json_text(invite) : url + '\n');
    return {};
  }
  const std::string to = printable(text_at(invite, "email"));
  print(
      sentence(invite, text_at(invite, "expires").substr(0, 10)) + "\n  " + url + '\n' +
      (flag_at(invite, "emailWaiting") ? "A mail with the link is on its way to " + to + ".\n"
                                       : "No mail is sent: pass the link on yourself.\n"));
  return {};
}

}  // namespace aya::coord
