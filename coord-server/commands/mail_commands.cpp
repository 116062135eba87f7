// Mail: does it work; and the addresses to write to about a network, which are confirmed by mail.
#include "coord-server/commands/mail_calls.h"
#include "coord-server/commands/table.h"

namespace aya::coord {
namespace {

// Longer than a server that is slow about it takes, behind another mail.
constexpr Duration kMailWithin = 75s;

}  // namespace

Done mail_test(const Invocation& call) {
  const Json wish = {{"to", call.arguments[0]}};
  AdminClient::Terms terms;
  terms.timeout = kMailWithin;
  auto reply = call.client.call("POST", "/mail/test", wish.dump(), "", terms);
  if (!reply) return reply.error();
  const Json body = parse_json(reply->body);
  print(
      call.json ? json_text(body)
                : "sent; the mail server said: " + printable(text_at(body, "answer")) + '\n');
  return {};
}

Done contact_list(const Invocation& call) {
  auto reply = call.client.call("GET", "/tailnet/-/contacts");
  if (!reply) return reply.error();
  const Json contacts = parse_json(reply->body);
  if (call.json) {
    print(json_text(contacts));
    return {};
  }
  std::vector<std::vector<std::string>> rows = {{"ABOUT", "ADDRESS", "STATE"}};
  for (const auto& [about, contact] : contacts.items()) {
    const std::string before = printable(text_at(contact, "fallbackEmail"));
    const std::string state =
        !flag_at(contact, "needsVerification") ? ""
        : before.empty() ? "waits for being confirmed"
                         : "waits for being confirmed; until then " + before;
    rows.push_back({about, printable(text_at(contact, "email")), state});
  }
  print(table(rows));
  return {};
}

Done contact_set(const Invocation& call) {
  const Json wish = {{"email", call.arguments[1]}};
  auto reply =
      call.client.call("PATCH", "/tailnet/-/contacts/" + call.arguments[0], wish.dump());
  if (!reply) return reply.error();
  if (!reply->warning.empty()) print_error("ayatori-coord: " + reply->warning + '\n');
  return contact_list(call);
}

Done contact_resend(const Invocation& call) {
  return resend(
      call, "/tailnet/-/contacts/" + call.arguments[0] + "/resend-verification-email");
}

}  // namespace aya::coord
