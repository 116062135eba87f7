#include "coord-server/commands/made_link.h"

namespace aya::coord {

Done show_made_link(
    const Invocation& call, std::string_view answer,
    const std::function<std::string(const Json& invite, const std::string& until)>& sentence) {
  const Json made = parse_json(answer);
  const Json invite = made.is_array() && !made.empty() ? made[0] : Json::object();
  const std::string url = text_at(invite, "inviteUrl");
  if (call.json || call.line.has("q")) {
    print(call.json ? json_text(invite) : url + '\n');
    return {};
  }
  print(
      sentence(invite, text_at(invite, "expires").substr(0, 10)) + "\n  " + url +
      "\nThe server sends no mail: pass the link on yourself.\n");
  return {};
}

}  // namespace aya::coord
