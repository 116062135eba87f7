// Routes: who offers which, which are approved, which are in use. The API replaces a node's whole
// list; these verbs add to it and take from it.
#include <algorithm>

#include "coord-server/commands/node_calls.h"
#include "coord-server/commands/table.h"

namespace aya::coord {
namespace {

using Routes = std::vector<std::string>;

constexpr std::string_view kExitNode[] = {"0.0.0.0/0", "::/0"};

bool holds(const Routes& routes, std::string_view route) {
  return std::ranges::find(routes, route) != routes.end();
}

bool is_default(std::string_view route) { return std::ranges::count(kExitNode, route) > 0; }

Routes routes_at(const Json& object, const char* name) {
  Routes out;
  for (const Json& route : list_at(object, name)) {
    if (route.is_string()) out.push_back(route.get<std::string>());
  }
  return out;
}

std::string joined(const Routes& routes) {
  std::string out;
  for (const std::string& route : routes) out += (out.empty() ? "" : ", ") + printable(route);
  return out;
}

std::string state_of(const Json& device, const std::string& route) {
  if (!holds(routes_at(device, "enabledRoutes"), route)) return "waits for approval";
  if (!holds(routes_at(device, "advertisedRoutes"), route)) return "approved, not offered";
  const Json more = device.value("ayatori", Json::object());
  if (!holds(routes_at(more, "carriedRoutes"), route)) {
    return is_default(route) ? "approved, one family only" : "approved, stands by";
  }
  return flag_at(device, "connectedToControl") ? "in use" : "in use, node is away";
}

// A prefix that stands for both default routes, where only one was written.
Routes with_both_families(const Routes& routes) {
  Routes out;
  for (const std::string& route : routes) {
    if (!is_default(route)) {
      out.push_back(route);
      continue;
    }
    for (const std::string_view family : kExitNode) {
      if (!holds(out, family)) out.emplace_back(family);
    }
  }
  return out;
}

// What the arguments behind the node and --exit-node name.
Routes named(const Invocation& call) {
  Routes out(call.arguments.begin() + 1, call.arguments.end());
  if (call.line.has("exit-node")) out.insert(out.end(), std::begin(kExitNode), std::end(kExitNode));
  return with_both_families(out);
}

Done set_routes(
    const Invocation& call, const Json& device, const Routes& routes, const std::string& sentence) {
  auto done =
      call.client.call("POST", node_path(device) + "/routes", Json({{"routes", routes}}).dump());
  if (!done) return done.error();
  print(call.json ? json_text(parse_json(done->body)) : sentence + '\n');
  return {};
}

}  // namespace

Done route_list(const Invocation& call) {
  auto devices = list_nodes(call);
  if (!devices) return devices.error();
  std::vector<std::vector<std::string>> rows = {{"NODE", "ROUTE", "STATE"}};
  Json out = Json::array();
  for (const Json& device : *devices) {
    Routes all = routes_at(device, "advertisedRoutes");
    for (const std::string& route : routes_at(device, "enabledRoutes")) {
      if (!holds(all, route)) all.push_back(route);
    }
    for (const std::string& route : all) {
      const std::string state = state_of(device, route);
      rows.push_back({shown_label(device), printable(route), state});
      out.push_back(
          {{"node", label_of(device)},
           {"nodeId", text_at(device, "nodeId")},
           {"route", route},
           {"offered", holds(routes_at(device, "advertisedRoutes"), route)},
           {"approved", holds(routes_at(device, "enabledRoutes"), route)},
           {"inUse", state.starts_with("in use")},
           {"state", state}});
    }
  }
  print(call.json ? json_text(out) : table(rows));
  return {};
}

Done route_approve(const Invocation& call) {
  auto device = chosen_node(call);
  if (!device) return device.error();
  const std::string name = shown_label(*device);
  Routes wanted = named(call);
  if (wanted.empty()) {
    wanted = routes_at(*device, "advertisedRoutes");
    const auto exits = std::erase_if(wanted, is_default);
    const std::string hint =
        exits > 0 ? "; it offers to be an exit node, which --exit-node approves" : "";
    if (wanted.empty()) return Failure{Exit::Failed, name + " offers no subnet route" + hint};
    if (exits > 0)
      print_error(name + " offers to be an exit node too: --exit-node approves that\n");
  }
  Routes routes = routes_at(*device, "enabledRoutes");
  for (const std::string& route : wanted) {
    if (!holds(routes, route)) routes.push_back(route);
  }
  std::string sentence = name + " may carry " + joined(wanted);
  const Routes offered = routes_at(*device, "advertisedRoutes");
  const auto is_offered = [&](const std::string& route) { return holds(offered, route); };
  if (!std::ranges::all_of(wanted, is_offered)) sentence += " (as soon as it offers that)";
  return set_routes(call, *device, routes, sentence);
}

Done route_revoke(const Invocation& call) {
  auto device = chosen_node(call);
  if (!device) return device.error();
  const std::string name = shown_label(*device);
  const Routes unwanted = named(call);
  if (unwanted.empty()) {
    return Failure{Exit::Usage, "say which: route revoke N CIDR …, or route revoke N --exit-node"};
  }
  Routes routes = routes_at(*device, "enabledRoutes");
  for (const std::string& route : unwanted) {
    if (std::erase(routes, route) > 0) continue;
    return Failure{
        Exit::Failed,
        printable(route) + " is not approved for " + name + "; `route ls` shows what is"};
  }
  return set_routes(call, *device, routes, name + " may no longer carry " + joined(unwanted));
}

}  // namespace aya::coord
