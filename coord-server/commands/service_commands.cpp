// Services: names with addresses of their own, and which devices answer for them. The API replaces
// a whole service; `set` changes what is named.
#include "coord-server/commands/node_calls.h"
#include "coord-server/commands/table.h"

namespace aya::coord {
namespace {

// "web" is "svc:web".
std::string name_in(const Invocation& call) {
  const std::string& name = call.arguments[0];
  return name.starts_with("svc:") ? name : "svc:" + name;
}

std::string service_path(const std::string& name) { return "/tailnet/-/services/" + name; }

// "443" is "tcp:443".
Json ports_in(const std::string& text) {
  Json out = words_from(text);
  for (Json& port : out) {
    const std::string& said = port.get_ref<const std::string&>();
    if (said.find_first_not_of("0123456789-") == std::string::npos) port = "tcp:" + said;
  }
  return out;
}

// What the options say, over what was.
Json wish_from(const Invocation& call, Json service) {
  service["name"] = name_in(call);
  if (call.line.has("port")) service["ports"] = ports_in(call.line.get("port"));
  if (call.line.has("tag")) service["tags"] = tags_from(call.line.get("tag"));
  if (call.line.has("description")) service["comment"] = call.line.get("description");
  service.erase("addrs");  // those it has, unless others are named
  if (call.line.has("address")) service["addrs"] = words_from(call.line.get("address"));
  return service;
}

Done put(const Invocation& call, const Json& wish, const char* done) {
  const char* query = call.line.has("force") ? "force=true" : "";
  auto reply = call.client.call("PUT", service_path(name_in(call)), wish.dump(), query);
  if (!reply) return reply.error();
  const Json made = parse_json(reply->body);
  print(
      call.json ? json_text(made)
                : text_at(made, "name") + done + joined(list_at(made, "addrs")) + '\n');
  return {};
}

std::string host_state(const Json& host) {
  const Json more = host.value("ayatori", Json::object());
  const bool offers = text_at(host, "configured") == "ready";
  if (flag_at(more, "refused")) return "refused";
  if (text_at(host, "approvalLevel") == "not-approved") return "waits for approval";
  if (!offers) return "approved, not offered";
  if (!flag_at(more, "inUse")) return "approved, stands by";
  return flag_at(more, "online") ? "in use" : "in use, device is away";
}

Result<Json, Failure> answering_hosts(const Invocation& call, const std::string& name) {
  auto reply = call.client.call("GET", service_path(name) + "/devices");
  if (!reply) return reply.error();
  return list_at(parse_json(reply->body), "hosts");
}

Done decide(const Invocation& call, bool approved, const char* sentence) {
  auto devices = list_nodes(call);
  if (!devices) return devices.error();
  auto device = select_node(*devices, call.arguments[1]);
  if (!device) return device.error();
  auto reply = call.client.call(
      "POST", service_path(name_in(call)) + "/device/" + text_at(*device, "nodeId") + "/approved",
      Json({{"approved", approved}}).dump());
  if (!reply) return reply.error();
  print(
      call.json ? json_text(parse_json(reply->body))
                : shown_label(*device) + sentence + printable(name_in(call)) + '\n');
  return {};
}

}  // namespace

Done service_list(const Invocation& call) {
  auto reply = call.client.call("GET", "/tailnet/-/services");
  if (!reply) return reply.error();
  const Json services = list_at(parse_json(reply->body), "vipServices");
  if (call.json) {
    print(json_text(services));
    return {};
  }
  std::vector<std::vector<std::string>> rows = {{"NAME", "ADDRESSES", "PORTS", "TAGS", "COMMENT"}};
  for (const Json& one : services) {
    rows.push_back(
        {printable(text_at(one, "name")), joined(list_at(one, "addrs")),
         joined(list_at(one, "ports")), joined(list_at(one, "tags")),
         printable(text_at(one, "comment"))});
  }
  print(table(rows));
  return {};
}

Done service_show(const Invocation& call) {
  auto reply = call.client.call("GET", service_path(name_in(call)));
  if (!reply) return reply.error();
  auto hosts = answering_hosts(call, name_in(call));
  if (!hosts) return hosts.error();
  Json service = parse_json(reply->body);
  if (call.json) {
    service["hosts"] = *hosts;
    print(json_text(service));
    return {};
  }
  std::string text = text_at(service, "name") + "  " + joined(list_at(service, "addrs")) + '\n';
  for (const char* list : {"ports", "tags"}) {
    const std::string words = joined(list_at(service, list));
    if (!words.empty()) text += std::string(list) + ": " + words + '\n';
  }
  if (const std::string comment = text_at(service, "comment"); !comment.empty()) {
    text += printable(comment) + '\n';
  }
  std::vector<std::vector<std::string>> rows = {{"DEVICE", "STATE"}};
  for (const Json& host : *hosts) {
    rows.push_back(
        {shown_label(host.value("ayatori", Json::object())), host_state(host)});
  }
  print(text + (hosts->empty() ? "no device offers it\n" : table(rows)));
  return {};
}

Done service_add(const Invocation& call) {
  auto known = call.client.call("GET", service_path(name_in(call)));
  if (known) return Failure{Exit::Failed, name_in(call) + " is there already; see service set"};
  return put(call, wish_from(call, Json::object()), " is made, at ");
}

Done service_set(const Invocation& call) {
  auto known = call.client.call("GET", service_path(name_in(call)));
  if (!known) return known.error();
  return put(call, wish_from(call, parse_json(known->body)), " is changed, at ");
}

Done service_remove(const Invocation& call) {
  auto gone = call.client.call("DELETE", service_path(name_in(call)));
  if (!gone) return gone.error();
  print(call.json ? json_text(Json::object()) : "removed\n");
  return {};
}

Done service_approve(const Invocation& call) { return decide(call, true, " may answer for "); }

Done service_revoke(const Invocation& call) {
  return decide(call, false, " may not answer for ");
}

}  // namespace aya::coord
