#include "coord-server/commands/mail_calls.h"

#include "coord-server/commands/table.h"

namespace aya::coord {

Done resend(const Invocation& call, const std::string& path) {
  auto sent = call.client.call("POST", path);
  if (!sent) return sent.error();
  print(call.json ? json_text(Json::object()) : "a mail is on its way\n");
  return {};
}

std::string mailed_text(const Json& invite) {
  if (flag_at(invite, "emailWaiting")) return "waiting";
  const std::string when = text_at(invite, "lastEmailSentAt");
  return when == kZeroTimeText ? "" : when.substr(0, 10);
}

}  // namespace aya::coord
