#include <algorithm>

#include "cli/commands/table.h"
#include "cli/json_text.h"
#include "cli/text.h"
#include "proto/local/login_profile.h"

namespace aya::cli {
namespace {

using local::BackendState;
using local::LoginProfile;

constexpr auto kPatience = 30s;  // until another login is connected
constexpr auto kLookAtStateEvery = 100ms;

struct Logins {
  std::vector<LoginProfile> all;
  std::string current;  // an id; empty for one that never succeeded
};

Failure failed(const Context& context, const Failure& why) {
  if (!context.strict || why.code != Exit::Denied) return why;
  // There the advice is left out.
  return {why.code, why.text.substr(0, why.text.find("\n\n"))};
}

Result<Logins, Failure> read_logins(Context& context) {
  const auto list = context.call("GET", "profiles/");
  if (!list) return list.error();
  const auto current = context.call("GET", "profiles/current");
  if (!current) return current.error();
  auto all = local::parse_login_profiles(*list);
  const auto one = local::parse_login_profile(*current);
  if (!all || !one) return Failure{Exit::Failed, "the daemon's logins are not readable"};
  return Logins{*std::move(all), one->id};
}

const LoginProfile* find_login(const Logins& logins, const std::string& who) {
  for (const auto matches :
       {+[](const LoginProfile&login, const std::string&name) { return login.id == name; },
        +[](const LoginProfile&login, const std::string&name) { return login.name == name; },
        +[](const LoginProfile&login, const std::string&name) {
          return login.user.login_name == name;
        }}) {
    const auto found = std::ranges::find_if(
        logins.all, [&](const LoginProfile& login) { return matches(login, who); });
    if (found != logins.all.end()) return &*found;
  }
  return nullptr;
}

Failure nobody(const Context& context, const Logins& logins, const std::string& who) {
  std::string text = "No profile named " + in_quotes(who);
  if (!context.strict) {
    std::vector<std::string> names;
    for (const LoginProfile& login : logins.all) names.push_back(login.name);
    if (const auto guess = nearest(who, names)) text += "; did you mean " + in_quotes(*guess) + "?";
  }
  return {Exit::BadArgument, text};
}

std::string as_table(const Logins& logins) {
  std::vector<std::vector<std::string>> rows = {{"ID", "Tailnet", "Account"}};
  for (const LoginProfile& login : logins.all) {
    const char* mark = login.id == logins.current ? "*" : "";
    rows.push_back({login.id, printable(login.network()), printable(login.name) + mark});
  }
  return table_cut_right(rows);
}

std::string as_json(const Logins& logins) {
  std::string list = "[";
  for (const LoginProfile& login : logins.all) {
    if (list.size() > 1) list += ",";
    list += json_object(
        {{"id", json_string(login.id)},
         {"nickname", json_string(login.name)},
         {"tailnet", json_string(login.network())},
         {"account", json_string(login.user.login_name)},
         {"selected", login.id == logins.current ? "true" : "false"}},
        ' ', 2);
  }
  return reindented(list + "]", ' ', 2);
}

Outcome list(Context& context, bool json) {
  const auto logins = read_logins(context);
  if (!logins) return failed(context, logins.error());
  context.out(json ? as_json(*logins) : as_table(*logins));
  return {};
}

// What became of the login that was entered.
Outcome wait_for_end(Context& context) {
  const TimePoint deadline = context.console.now() + kPatience;
  while (context.console.now() < deadline) {
    const auto status = context.status(false);
    if (!status) return status.error();
    switch (status->backend_state) {
      case BackendState::Running:
        context.out("Success.\n");
        return {};
      case BackendState::NeedsLogin:
        context.out("Logged out.\nTo log in, run:\n  " + context.program + " up\n");
        return {};
      case BackendState::Stopped:
        if (context.strict) {
          context.out("Tailscale is stopped.\n");
          return Failure{Exit::Failed, ""};
        }
        context.out("Success. It is disconnected; to connect: " + context.program + " up\n");
        return {};
      case BackendState::NeedsMachineAuth:
        context.out("Machine is not yet approved by tailnet admin.\n");
        return Failure{Exit::NeedsLogin, ""};
      case BackendState::NoState:
      case BackendState::Starting:
      case BackendState::InUseOtherUser:
        break;
    }
    context.console.sleep_until(context.console.now() + kLookAtStateEvery);
  }
  return Failure{Exit::TimedOut, "Timed out waiting for switch to complete."};
}

Outcome enter(Context& context, const std::string& who) {
  const auto logins = read_logins(context);
  if (!logins) {
    const Failure why = failed(context, logins.error());
    return Failure{why.code, "Failed to switch to account: " + why.text};
  }
  const LoginProfile* wanted = find_login(*logins, who);
  if (wanted == nullptr) return nobody(context, *logins, who);
  if (wanted->id == logins->current) {
    context.out("Already on account " + in_quotes(who) + "\n");
    return {};
  }
  const auto done = context.call("POST", "profiles/" + wanted->id);
  if (!done) return Failure{done.error().code, "Failed to switch to account: " + done.error().text};
  context.out("Switching to account " + in_quotes(who) + "\n");
  return wait_for_end(context);
}

Outcome remove(Context& context, const Arguments& args) {
  if (args.size() != 1) {
    return Failure{Exit::BadArgument, "usage: " + context.program + " switch remove NAME"};
  }
  const auto logins = read_logins(context);
  if (!logins) {
    const Failure why = failed(context, logins.error());
    return Failure{why.code, "Failed to remove account: " + why.text};
  }
  const LoginProfile* wanted = find_login(*logins, args.front());
  if (wanted == nullptr) return nobody(context, *logins, args.front());
  const auto done = context.call("DELETE", "profiles/" + wanted->id);
  if (!done) return done.error();
  context.out("Removed account " + in_quotes(args.front()) + "\n");
  context.tell("the server still knows this machine under that login; it can be removed there");
  return {};
}

}  // namespace

Outcome switch_login(Context& context, const Arguments& args) {
  bool want_list = false, json = false;
  Flags flags;
  flags.boolean("list", want_list, "list the logins of this machine");
  flags.boolean("json", json, "with --list: print JSON");
  const auto left = context.parse(flags, args);
  if (!left) return left.error();
  if (want_list) {
    if (auto none = context.expect_no_arguments(*left); !none) return none;
    return list(context, json);
  }
  if (json && !context.strict && left->empty()) return list(context, true);
  if (json) {
    context.out("--json argument cannot be used with " + context.program + " switch NAME\n");
    return Failure{Exit::BadArgument, ""};
  }
  if (!left->empty() && left->front() == "remove") {
    return remove(context, {left->begin() + 1, left->end()});
  }
  if (left->empty() && !context.strict) return list(context, false);
  if (left->size() != 1) {
    context.out("usage: " + context.program + " switch NAME\n");
    return Failure{Exit::BadArgument, ""};
  }
  return enter(context, left->front());
}

}  // namespace aya::cli
