#include <algorithm>
#include <cctype>

#include "coord-server/commands/node_calls.h"
#include "coord-server/commands/table.h"
#include "coord-server/commands/verbs.h"
#include "proto/http/target.h"

namespace aya::coord {
namespace {

Result<Json, Failure> list_pending(const Invocation& call) {
  auto reply = call.client.call("GET", "/tailnet/-/registrations");
  if (!reply) return reply.error();
  return list_at(parse_json(reply->body), "registrations");
}

std::string registration_path(const std::string& code, std::string_view verb) {
  return "/tailnet/-/registrations/" + http::percent_encode(code) + '/' + std::string(verb);
}

// Codes are typed in either case, with or without the hyphen.
std::string plain(std::string code) {
  std::erase(code, '-');
  std::ranges::transform(code, code.begin(), [](unsigned char c) { return std::toupper(c); });
  return code;
}

bool is_code(const Json& pending, const std::string& word) {
  return std::ranges::any_of(pending, [&](const Json& each) {
    return plain(text_at(each, "code")) == plain(word) || text_at(each, "id") == word;
  });
}

// One that joined already, and waits because this network looks at new devices first.
Done approve_device(const Invocation& call) {
  auto device = chosen_node(call);
  if (!device) return device.error();
  auto done =
      call.client.call("POST", node_path(*device) + "/authorized", R"({"authorized":true})");
  if (!done) return done.error();
  print(call.json ? json_text(*device) : shown_label(*device) + " approved\n");
  return {};
}

}  // namespace

Done node_pending(const Invocation& call) {
  auto pending = list_pending(call);
  if (!pending) return pending.error();
  if (call.json) {
    print(json_text(*pending));
    return {};
  }
  std::vector<std::vector<std::string>> rows = {{"CODE", "HOST NAME", "OS", "SINCE"}};
  for (const Json& each : *pending) {
    rows.push_back(
        {text_at(each, "code"), printable(text_at(each, "hostname")),
         printable(text_at(each, "os")), text_at(each, "created")});
  }
  print(table(rows));
  return {};
}

Done node_approve(const Invocation& call) {
  auto pending = list_pending(call);
  if (!pending) return pending.error();
  const std::string& code = call.arguments[0];
  if (!is_code(*pending, code)) return approve_device(call);
  const Json wish = {{"user", call.line.get("user")}};
  auto done = call.client.call("POST", registration_path(code, "approve"), wish.dump());
  if (!done) return done.error();
  const Json device = parse_json(done->body);
  print(
      call.json ? json_text(device)
                : shown_label(device) + " is in, as " +
                      list_at(device, "addresses").front().get<std::string>() + '\n');
  return {};
}

Done node_reject(const Invocation& call) {
  auto done = call.client.call("POST", registration_path(call.arguments[0], "reject"));
  if (!done) return done.error();
  print(call.json ? "{}\n" : "rejected\n");
  return {};
}

}  // namespace aya::coord
