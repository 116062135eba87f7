// Relays of the whole server: which there are, adding and removing them, and whether they work.
#include <algorithm>
#include <cstdio>

#include "coord-server/commands/file_argument.h"
#include "coord-server/commands/json.h"
#include "coord-server/commands/relay_check.h"
#include "coord-server/commands/table.h"
#include "coord-server/commands/verbs.h"
#include "proto/base/parse_number.h"
#include "proto/http/target.h"
#include "proto/io/loop.h"

namespace aya::coord {
namespace {

constexpr Duration kFetchPatience = 15s;

std::string region_path(const std::string& id) { return "/derp/regions/" + id; }

Result<Json, Failure> fetch(const Invocation& call, std::string_view path) {
  auto reply = call.client.call("GET", path);
  if (!reply) return reply.error();
  return parse_json(reply->body);
}

Done send(
    const Invocation& call, std::string_view method, const std::string& path, const Json& body,
    const std::string& sentence, const std::string& query = {}) {
  auto sent = call.client.call(method, path, body.is_null() ? "" : body.dump(), query);
  if (!sent) return sent.error();
  print(call.json ? json_text(parse_json(sent->body)) : sentence + '\n');
  return {};
}

std::string number_of(const Json& region) { return text_at(region, "RegionID"); }

std::string region_state(const Json& region) {
  if (flag_at(region, "hidden")) return "hidden";
  if (!flag_at(region, "enabled")) return "off";
  return flag_at(region, "NoMeasureNoHome") ? "no home" : "on";
}

std::string hosts_of(const Json& region) {
  std::string out;
  for (const Json& node : list_at(region, "Nodes")) {
    out += (out.empty() ? "" : " ") + printable(text_at(node, "HostName"));
    const std::string port = text_at(node, "DERPPort");
    if (!port.empty() && port != "443") out += ':' + port;
  }
  return out;
}

Result<int, Failure> port_of(const Invocation& call, const char* option) {
  const std::string text = call.line.get(option);
  if (std::string_view(option) == "stun-port" && text == "off") return -1;
  if (const auto port = parse_number<std::uint16_t>(text); port && *port != 0) return *port;
  return Failure{Exit::Usage, std::string("--") + option + ": want a port from 1 to 65535"};
}

Result<Json, Failure> node_from(const Invocation& call) {
  Json node = {{"HostName", call.arguments[1]}};
  std::string addresses = call.line.get("ip");
  while (!addresses.empty()) {
    const std::size_t comma = std::min(addresses.find(','), addresses.size());
    const std::string one = addresses.substr(0, comma);
    addresses.erase(0, comma + 1);
    if (!one.empty()) node[one.find(':') == std::string::npos ? "IPv4" : "IPv6"] = one;
  }
  if (call.line.has("cert")) node["CertName"] = call.line.get("cert");
  if (call.line.has("stun-only")) node["STUNOnly"] = true;
  for (const auto& [option, member] :
       {std::pair{"port", "DERPPort"}, std::pair{"stun-port", "STUNPort"}}) {
    if (!call.line.has(option)) continue;
    auto port = port_of(call, option);
    if (!port) return port.error();
    node[member] = *port;
  }
  return node;
}

// What was entered by hand under this number, without what only the list says of it.
Json entered_region(const Json& relays, const std::string& id) {
  for (Json region : list_at(relays, "regions")) {
    if (number_of(region) != id || text_at(region, "source") != "entered") continue;
    for (const char* extra : {"source", "hidden", "enabled", "score"}) region.erase(extra);
    return region;
  }
  return Json::object();
}

std::string source_state(const Json& relays, const std::string& url) {
  for (const Json& source : list_at(relays, "sources")) {
    if (text_at(source, "url") != url) continue;
    const std::string trouble = text_at(source, "trouble");
    if (!trouble.empty()) return "cannot be used: " + printable(trouble);
    if (text_at(source, "fetched").empty()) return {};
    const auto mine = std::ranges::count_if(list_at(relays, "regions"), [&](const Json& region) {
      return text_at(region, "source") == url;
    });
    return "regions: " + std::to_string(mine);
  }
  return "gone";
}

// The server fetches in its own time; usually that is at once.
Done show_fetched(const Invocation& call, const std::string& url) {
  io::Loop loop;
  const TimePoint end = loop.now() + kFetchPatience;
  for (;;) {
    auto relays = fetch(call, "/derp");
    if (!relays) return relays.error();
    const std::string state = source_state(*relays, url);
    if (state.empty() && loop.now() < end) {
      loop.run_until([] { return false; }, 200ms);
      continue;
    }
    const std::string sentence = state.empty() ? "not fetched yet; see derp ls" : state;
    print(call.json ? json_text(*relays) : printable(url) + ": " + sentence + '\n');
    return {};
  }
}

Failure source_usage() {
  return {Exit::Usage, "usage: ayatori-coord derp source add URL | rm URL | fetch"};
}

}  // namespace

Done derp_list(const Invocation& call) {
  auto relays = fetch(call, "/derp");
  if (!relays) return relays.error();
  if (call.json) {
    print(json_text(*relays));
    return {};
  }
  std::vector<std::vector<std::string>> rows = {
      {"ID", "CODE", "NAME", "STATE", "SCORE", "FROM", "HOSTS"}};
  for (const Json& region : list_at(*relays, "regions")) {
    rows.push_back(
        {number_of(region), printable(text_at(region, "RegionCode")),
         printable(text_at(region, "RegionName")), region_state(region), text_at(region, "score"),
         printable(text_at(region, "source")), hosts_of(region)});
  }
  print(table(rows));
  for (const Json& source : list_at(*relays, "sources")) {
    const std::string url = text_at(source, "url");
    const std::string state = source_state(*relays, url);
    print(printable(url) + ": " + (state.empty() ? "not fetched yet" : state) + '\n');
  }
  return {};
}

Done derp_show(const Invocation& call) {
  auto map = fetch(call, "/tailnet/-/derp-map");
  if (!map) return map.error();
  print(json_text(*map));
  return {};
}

Done derp_add(const Invocation& call) {
  const std::string& id = call.arguments[0];
  auto relays = fetch(call, "/derp");
  if (!relays) return relays.error();
  auto node = node_from(call);
  if (!node) return node.error();
  Json region = entered_region(*relays, id);
  if (call.line.has("code")) region["RegionCode"] = call.line.get("code");
  if (call.line.has("name")) region["RegionName"] = call.line.get("name");
  if (call.line.has("no-home")) region["NoMeasureNoHome"] = true;
  Json nodes = list_at(region, "Nodes");
  nodes.push_back(std::move(*node));
  region["Nodes"] = std::move(nodes);
  return send(
      call, "PUT", region_path(id), region,
      printable(call.arguments[1]) + " is a relay of region " + printable(id) +
          "; derp check tells whether it answers");
}

Done derp_import(const Invocation& call) {
  auto text = file_argument(call.arguments[0]);
  if (!text) return text.error();
  auto sent = call.client.call("POST", "/derp/regions", *text);
  if (!sent) return sent.error();
  const Json map = parse_json(*text);
  const Json regions = map.value("Regions", Json::object());
  print(call.json ? json_text(map) : "regions entered: " + std::to_string(regions.size()) + '\n');
  return {};
}

Done derp_remove(const Invocation& call) {
  const std::string& id = call.arguments[0];
  if (call.arguments.size() == 1) {
    return send(call, "DELETE", region_path(id), nullptr, "region " + printable(id) + " removed");
  }
  auto relays = fetch(call, "/derp");
  if (!relays) return relays.error();
  Json region = entered_region(*relays, id);
  Json kept = Json::array();
  for (const Json& node : list_at(region, "Nodes")) {
    if (text_at(node, "Name") != call.arguments[1]) kept.push_back(node);
  }
  if (kept.size() == list_at(region, "Nodes").size()) {
    return Failure{Exit::Failed, "no node of that name was entered in region " + printable(id)};
  }
  region["Nodes"] = std::move(kept);
  return send(
      call, "PUT", region_path(id), region, "node " + printable(call.arguments[1]) + " removed");
}

Done derp_on(const Invocation& call) {
  return send(
      call, "PATCH", region_path(call.arguments[0]), {{"enabled", true}},
      "nodes are told of region " + printable(call.arguments[0]));
}

Done derp_off(const Invocation& call) {
  return send(
      call, "PATCH", region_path(call.arguments[0]), {{"enabled", false}},
      "nodes are no longer told of region " + printable(call.arguments[0]));
}

Done derp_score(const Invocation& call) {
  const auto score = parse_number<double>(call.arguments[1]);
  if (!score) {
    return Failure{Exit::Usage, "the score is a number: below 1 draws nodes, above 1 repels them"};
  }
  return send(
      call, "PATCH", region_path(call.arguments[0]), {{"score", *score}},
      "latency to region " + printable(call.arguments[0]) + " counts " +
          printable(call.arguments[1]) + "-fold");
}

Done derp_source(const Invocation& call) {
  const std::string& what = call.arguments[0];
  if (what == "fetch" && call.arguments.size() == 1) {
    return send(call, "POST", "/derp/sources/fetch", nullptr, "the maps are being fetched");
  }
  if (call.arguments.size() != 2) return source_usage();
  const std::string& url = call.arguments[1];
  if (what == "rm") {
    return send(
        call, "DELETE", "/derp/sources", nullptr, printable(url) + " is no longer fetched",
        "url=" + http::percent_encode(url));
  }
  if (what != "add") return source_usage();
  auto added = call.client.call("POST", "/derp/sources", Json({{"url", url}}).dump());
  if (!added) return added.error();
  return show_fetched(call, url);
}

Done derp_check(const Invocation& call) {
  auto reply = call.client.call("GET", "/tailnet/-/derp-map");
  if (!reply) return reply.error();
  auto checks = check_relays(reply->body);
  if (!checks) return checks.error();
  Json list = Json::array();
  std::vector<std::vector<std::string>> rows = {{"REGION", "NODE", "RELAY", "STUN"}};
  bool well = true;
  for (const RelayCheck& check : *checks) {
    well = well && check.relay.well && check.stun.well;
    rows.push_back(
        {std::to_string(check.region), printable(check.node), printable(check.relay.text),
         printable(check.stun.text)});
    list.push_back(
        {{"region", check.region},
         {"node", check.node},
         {"relay", check.relay.text},
         {"stun", check.stun.text},
         {"ok", check.relay.well && check.stun.well}});
  }
  print(call.json ? json_text({{"nodes", list}}) : table(rows));
  if (well) return {};
  return Failure{Exit::Failed, "not every relay answers this machine"};
}

}  // namespace aya::coord
