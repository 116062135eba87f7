#include <iostream>

#include "coord-server/commands/json.h"
#include "coord-server/commands/table.h"
#include "coord-server/commands/verbs.h"
#include "proto/crypto/password.h"

namespace aya::coord {
namespace {

Result<Json, Failure> list_users(const Invocation& call) {
  auto reply = call.client.call("GET", "/tailnet/-/users");
  if (!reply) return reply.error();
  return list_at(parse_json(reply->body), "users");
}

// The one that the first argument names.
Result<Json, Failure> chosen_user(const Invocation& call) {
  auto users = list_users(call);
  if (!users) return users.error();
  for (const Json& user : *users) {
    if (text_at(user, "loginName") == call.arguments[0]) return user;
  }
  return Failure{
      Exit::Failed,
      "no user \"" + printable(call.arguments[0]) + "\"; ayatori-coord user ls lists them"};
}

// Tells the server, then says so.
Done change(
    const Invocation& call, const std::string& verb, const Json& wish,
    const std::string& sentence) {
  auto user = chosen_user(call);
  if (!user) return user.error();
  auto done = call.client.call("POST", "/users/" + text_at(*user, "id") + verb, wish.dump());
  if (!done) return done.error();
  if (!call.json) {
    print(sentence + '\n');
    return {};
  }
  print(json_text(wish));
  return {};
}

std::string name_of(const Invocation& call) { return printable(call.arguments[0]); }

}  // namespace

Done user_add(const Invocation& call) {
  const Json wish = {{"loginName", call.arguments[0]}, {"role", call.line.get("role", "member")}};
  auto reply = call.client.call("POST", "/tailnet/-/users", wish.dump());
  if (!reply) return reply.error();
  const Json user = parse_json(reply->body);
  print(call.json ? json_text(user) : "user " + text_at(user, "loginName") + " added\n");
  return {};
}

Done user_list(const Invocation& call) {
  auto users = list_users(call);
  if (!users) return users.error();
  if (call.json) {
    print(json_text(*users));
    return {};
  }
  std::vector<std::vector<std::string>> rows = {{"NAME", "ROLE", "STATUS", "DEVICES"}};
  for (const Json& user : *users) {
    rows.push_back(
        {printable(text_at(user, "loginName")), text_at(user, "role"), text_at(user, "status"),
         text_at(user, "deviceCount")});
  }
  print(table(rows));
  return {};
}

Done user_remove(const Invocation& call) {
  return change(call, "/delete", Json::object(), name_of(call) + " removed, with all devices");
}

Done user_rename(const Invocation& call) {
  return change(
      call, "/name", {{"loginName", call.arguments[1]}},
      name_of(call) + " is now " + printable(call.arguments[1]));
}

Done user_role(const Invocation& call) {
  return change(
      call, "/role", {{"role", call.arguments[1]}},
      name_of(call) + " is now " + printable(call.arguments[1]));
}

Done user_suspend(const Invocation& call) {
  return change(call, "/suspend", Json::object(), name_of(call) + " is suspended");
}

Done user_restore(const Invocation& call) {
  return change(call, "/restore", Json::object(), name_of(call) + " is back");
}

Done user_approve(const Invocation& call) {
  return change(call, "/approve", Json::object(), name_of(call) + " is approved");
}

Done user_link(const Invocation& call) {
  auto user = chosen_user(call);
  if (!user) return user.error();
  const Json wish = {{"resetSecondFactor", call.line.has("reset-second-factor")}};
  auto reply = call.client.call("POST", "/users/" + text_at(*user, "id") + "/link", wish.dump());
  if (!reply) return reply.error();
  const Json link = parse_json(reply->body);
  print(
      call.json ? json_text(link)
                : text_at(link, "url") + "\n\nsigns " + name_of(call) +
                      " in once, within 24 hours; a password can be set there.\n");
  return {};
}

// From standard input: what stands on a command line is seen by everybody on the machine.
Done user_password(const Invocation& call) {
  std::string password;
  print_error("password: ");
  std::getline(std::cin, password);
  if (password.size() < 10) return Failure{Exit::Usage, "a password has ten characters at least"};
  const auto hash = crypto::hash_password(password);
  if (!hash) return Failure{Exit::Failed, "not enough memory to store a password safely"};
  return change(
      call, "/password", {{"passwordHash", *hash}}, "the password of " + name_of(call) + " is set");
}

}  // namespace aya::coord
