// The policy: shown, set, tried, explained, and brought back.
#include "coord-server/commands/file_argument.h"
#include "coord-server/commands/node_calls.h"
#include "coord-server/commands/policy_file.h"
#include "coord-server/commands/table.h"
#include "proto/http/target.h"

namespace aya::coord {
namespace {

// FILE, or standard input. An empty one would stand for the policy of the beginning, which lets
// everybody reach everything: nobody shall get there by a broken pipe.
Result<std::string, Failure> policy_argument(const Invocation& call) {
  auto text = file_argument(call.arguments[0]);
  if (!text || text->find_first_not_of(" \t\r\n") != std::string::npos) return text;
  return Failure{
      Exit::Failed,
      "the policy is empty; {} denies everything, {\"acls\": [{\"action\": \"accept\", \"src\": "
      "[\"*\"], \"dst\": [\"*:*\"]}]} allows it"};
}

std::string author_of(const Json& version) {
  const Json author = version.value("author", Json::object());
  for (const char* name : {"loginName", "id", "displayName", "type"}) {
    const std::string text = text_at(author, name);
    if (!text.empty()) return printable(text);
  }
  return "-";
}

// Devices are known here by more names than in a policy; what is no device is passed on as it is.
Result<std::string, Failure> end_of(const Json& devices, const std::string& text) {
  if (text.find_first_of(":@") != std::string::npos) return text;
  auto device = select_node(devices, text);
  if (device) {
    for (const Json& address : list_at(*device, "addresses")) return address.get<std::string>();
  }
  // Of several nobody knows which is meant; the failure lists them.
  if (!device && device.error().text.find('\n') != std::string::npos) return device.error();
  return text;
}

std::string texts(const Json& list) {
  std::string out;
  for (const Json& item : list) {
    if (item.is_string()) out += (out.empty() ? "" : ", ") + printable(item.get<std::string>());
  }
  return out;
}

std::string explained(const Json& answer, const std::string& from, const std::string& to) {
  const std::string verdict = text_at(answer, "verdict");
  const std::string way = printable(from) + " -> " + printable(to) + '/' + text_at(answer, "proto");
  if (verdict == "drop") return "denied: " + way + "\n  no rule lets this through\n";
  std::string out = "allowed: " + way + '\n';
  if (verdict == "some") {
    out = "partly allowed: " + way + "; for " + text_at(answer, "passed") + " of " +
          text_at(answer, "tried") + " pairs\n";
  }
  for (const Json& rule : list_at(answer, "rules")) {
    out += "  line " + text_at(rule, "line") + ": " + texts(list_at(rule, "src")) + " -> " +
           texts(list_at(rule, "dst")) + '\n';
  }
  if (verdict != "some") return out;
  for (const Json& pair : list_at(answer, "pairs")) {
    out += std::string("  ") + (flag_at(pair, "accept") ? "allowed: " : "denied:  ") +
           printable(text_at(pair, "from")) + " -> " + printable(text_at(pair, "to")) + '\n';
  }
  return out;
}

}  // namespace

Done policy_show(const Invocation& call) {
  std::string text;
  if (call.arguments.empty()) {
    auto now = policy_in_force(call);
    if (!now) return now.error();
    text = now->text;
  } else {
    auto versions = policy_versions(call);
    if (!versions) return versions.error();
    const auto found = std::find_if(versions->begin(), versions->end(), [&](const Json& version) {
      return text_at(version, "version") == call.arguments[0];
    });
    if (found == versions->end()) {
      return Failure{
          Exit::Failed, "no version " + printable(call.arguments[0]) + "; `policy log` lists them"};
    }
    text = text_at(*found, "acl");
  }
  if (call.json) {
    print(json_text({{"acl", text}}));
  } else {
    print(text.ends_with('\n') ? text : text + '\n');
  }
  return {};
}

Done policy_set(const Invocation& call) {
  auto text = policy_argument(call);
  if (!text) return text.error();
  if (auto sent = send_policy(call, *text, ""); !sent) return sent;
  print(call.json ? json_text(Json::object()) : "the policy is in force\n");
  return {};
}

Done policy_test(const Invocation& call) {
  auto text = policy_argument(call);
  if (!text) return text.error();
  auto warnings = check_policy(call, *text);
  if (!warnings) return warnings.error();
  if (call.json) {
    print(json_text({{"warnings", *warnings}}));
    return {};
  }
  for (const std::string& line : *warnings) print_error("warning: " + line + '\n');
  print("the policy is fine\n");
  return {};
}

Done policy_who(const Invocation& call) {
  const std::string& target = call.arguments[1];
  const std::size_t colon = target.rfind(':');
  if (colon == std::string::npos || colon + 1 == target.size()) {
    return Failure{Exit::Usage, "want a port: policy who A B:443"};
  }
  std::string host = target.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  auto devices = list_nodes(call);
  if (!devices) return devices.error();
  auto from = end_of(*devices, call.arguments[0]);
  if (!from) return from.error();
  auto to = end_of(*devices, host);
  if (!to) return to.error();
  const std::string query = "src=" + http::percent_encode(*from) +
                            "&dst=" + http::percent_encode(*to) +
                            "&port=" + http::percent_encode(target.substr(colon + 1)) +
                            "&proto=" + http::percent_encode(call.line.get("proto"));
  auto reply = call.client.call("GET", "/tailnet/-/acl/who", "", query);
  if (!reply) return reply.error();
  const Json answer = parse_json(reply->body);
  print(call.json ? json_text(answer) : explained(answer, call.arguments[0], target));
  return {};
}

Done policy_log(const Invocation& call) {
  auto versions = policy_versions(call);
  if (!versions) return versions.error();
  if (call.json) {
    print(json_text(*versions));
    return {};
  }
  std::vector<std::vector<std::string>> rows = {{"VERSION", "TIME", "WHO", "BYTES"}};
  for (const Json& version : *versions) {
    rows.push_back(
        {text_at(version, "version"), text_at(version, "created"), author_of(version),
         std::to_string(text_at(version, "acl").size())});
  }
  print(table(rows));
  return {};
}

Done policy_restore(const Invocation& call) {
  auto reply = call.client.call(
      "POST", "/tailnet/-/acl/versions/" + http::percent_encode(call.arguments[0]) + "/restore");
  if (!reply) return reply.error();
  print(
      call.json ? json_text(Json::object())
                : "version " + printable(call.arguments[0]) + " is in force again\n");
  return {};
}

}  // namespace aya::coord
