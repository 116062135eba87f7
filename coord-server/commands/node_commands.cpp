#include "coord-server/commands/node_calls.h"
#include "coord-server/commands/table.h"
#include "coord-server/commands/verbs.h"

namespace aya::coord {
namespace {

std::string address_of(const Json& device) {
  const Json addresses = list_at(device, "addresses");
  return addresses.empty() ? "" : addresses.front().get<std::string>();
}

// Tags where it has some: then it is no person's.
std::string owner_of(const Json& device) {
  const Json tags = list_at(device, "tags");
  return tags.empty() ? printable(text_at(device, "user")) : joined(tags);
}

std::string state_of(const Json& device) {
  if (!flag_at(device, "authorized")) return "waits for approval";
  if (flag_at(device, "isWireGuardOnly")) return "plain WireGuard";
  if (flag_at(device, "connectedToControl")) return "connected";
  const std::string seen = text_at(device, "lastSeen");
  return seen.empty() ? "never seen" : "last seen " + seen;
}

// Tells the server, then says what became of the device: a sentence, or its object.
Done change(
    const Invocation& call, const Json& device, const std::string& verb, const Json& wish,
    const std::string& sentence, std::string_view query = "") {
  auto done = call.client.call("POST", node_path(device) + verb, wish.dump(), query);
  if (!done) return done.error();
  if (!done->warning.empty()) print_error("warning: " + done->warning + '\n');
  if (!call.json) {
    print(sentence + '\n');
    return {};
  }
  auto changed = call.client.call("GET", node_path(device), "", "fields=all");
  if (!changed) return changed.error();
  print(json_text(parse_json(changed->body)));
  return {};
}

}  // namespace

Done node_list(const Invocation& call) {
  auto devices = list_nodes(call);
  if (!devices) return devices.error();
  if (call.json) {
    print(json_text(*devices));
    return {};
  }
  std::vector<std::vector<std::string>> rows = {{"NAME", "ADDRESS", "USER", "OS", "STATE"}};
  for (const Json& device : *devices) {
    rows.push_back(
        {shown_label(device), address_of(device), owner_of(device),
         printable(text_at(device, "os")), state_of(device)});
  }
  print(table(rows));
  return {};
}

Done node_show(const Invocation& call) {
  auto device = chosen_node(call);
  if (!device) return device.error();
  if (call.json) {
    print(json_text(*device));
    return {};
  }
  const Json connectivity = device->value("clientConnectivity", Json::object());
  const bool expires = !flag_at(*device, "keyExpiryDisabled");
  print(table(
      {{"Name", printable(text_at(*device, "name"))},
       {"Host name", printable(text_at(*device, "hostname"))},
       {"Addresses", joined(list_at(*device, "addresses"))},
       {"State", state_of(*device)},
       {"User", printable(text_at(*device, "user"))},
       {"Tags", joined(list_at(*device, "tags"))},
       {"System", printable(text_at(*device, "os"))},
       {"Client", printable(text_at(*device, "clientVersion"))},
       {"Node id", text_at(*device, "nodeId")},
       {"Joined", text_at(*device, "created")},
       {"Key expires", expires ? text_at(*device, "expires") : "never"},
       {"Endpoints", joined(list_at(connectivity, "endpoints"))},
       {"Offers routes", joined(list_at(*device, "advertisedRoutes"))},
       {"Approved routes", joined(list_at(*device, "enabledRoutes"))}}));
  const Json health = device->value("ayatori", Json::object()).value("health", Json::object());
  for (const auto& [part, complaint] : health.items()) {
    const std::string what = printable(text_at(health, part.c_str()));
    print("It complains: " + printable(part) + ": " + what + "\n");
  }
  return {};
}

// What the device said, as it said it, but for what would steer the terminal.
Done node_debug(const Invocation& call) {
  auto device = chosen_node(call);
  if (!device) return device.error();
  const Json question = {{"path", call.arguments[1]}};
  auto reply = call.client.call("POST", node_path(*device) + "/c2n", question.dump());
  if (!reply) return reply.error();
  const Json answer = parse_json(reply->body);
  if (call.json) {
    print(json_text(answer));
    return {};
  }
  const std::string text = text_at(answer, "body");
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    print(printable(rest.substr(0, end)) + "\n");
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  const std::string status = text_at(answer, "status");
  if (status.starts_with('2')) return {};
  return Failure{Exit::Failed, "the device answered with status " + status};
}

Done node_remove(const Invocation& call) {
  auto device = chosen_node(call);
  if (!device) return device.error();
  auto done = call.client.call("DELETE", node_path(*device));
  if (!done) return done.error();
  print(call.json ? json_text(*device) : shown_label(*device) + " removed\n");
  return {};
}

Done node_rename(const Invocation& call) {
  auto device = chosen_node(call);
  if (!device) return device.error();
  const std::string& name = call.arguments[1];
  return change(
      call, *device, "/name", {{"name", name}},
      shown_label(*device) + " is now " +
          (name.empty() ? "named after its host" : printable(name)));
}

Done node_expire(const Invocation& call) {
  auto device = chosen_node(call);
  if (!device) return device.error();
  return change(
      call, *device, "/expire", Json::object(), shown_label(*device) + " has to log in again");
}

Done node_no_expire(const Invocation& call) {
  auto device = chosen_node(call);
  if (!device) return device.error();
  return change(
      call, *device, "/key", {{"keyExpiryDisabled", true}},
      shown_label(*device) + " stays logged in");
}

Done node_tag(const Invocation& call) {
  auto device = chosen_node(call);
  if (!device) return device.error();
  const Json tags = tags_from(call.arguments[1]);
  return change(
      call, *device, "/tags", {{"tags", tags}},
      shown_label(*device) + (tags.empty() ? " has no tags any more and has to log in again"
                                           : " has " + joined(tags)));
}

Done node_owner(const Invocation& call) {
  auto device = chosen_node(call);
  if (!device) return device.error();
  const std::string& user = call.arguments[1];
  return change(
      call, *device, "/owner", {{"user", user}},
      shown_label(*device) + " belongs to " + printable(user));
}

}  // namespace aya::coord
