// Plain WireGuard devices: routers that speak nothing else, and servers of companies that sell
// exits.
#include <algorithm>

#include "coord-server/commands/endpoint_argument.h"
#include "coord-server/commands/file_argument.h"
#include "coord-server/commands/node_calls.h"
#include "coord-server/commands/table.h"
#include "coord-server/commands/wireguard_file.h"
#include "proto/keys/wireguard_text.h"

namespace aya::coord {
namespace {

constexpr std::string_view kPeers = "/tailnet/-/wireguard-peers";

bool is_default(const Json& route) { return route == "0.0.0.0/0" || route == "::/0"; }

Result<Json, Failure> list_peers(const Invocation& call) {
  auto reply = call.client.call("GET", kPeers);
  if (!reply) return reply.error();
  return list_at(parse_json(reply->body), "wireguardPeers");
}

Result<Json, Failure> chosen_peer(const Invocation& call) {
  auto peers = list_peers(call);
  if (!peers) return peers.error();
  return select_node(*peers, call.arguments[0]);
}

std::string peer_path(const Json& peer) { return "/wireguard-peers/" + text_at(peer, "nodeId"); }

// "none" is an empty list.
std::vector<std::string> list_option(const Invocation& call, std::string_view option) {
  const std::string text = call.line.get(option);
  return text == "none" ? std::vector<std::string>() : comma_list(text);
}

Result<Json, Failure> endpoints_from(const std::vector<std::string>& texts) {
  Json out = Json::array();
  for (const std::string& text : texts) {
    auto found = endpoint_argument(text);
    if (!found) return found.error();
    for (const Endpoint& at : *found) out.push_back(at.to_text());
  }
  return out;
}

// "N=10.2.0.2+fc00::2": a node, and the addresses that the device's side gave it.
Result<Json, Failure> client_from(const Json& devices, const std::string& text) {
  const std::size_t equals = std::min(text.find('='), text.size());
  auto device = select_node(devices, text.substr(0, equals));
  if (!device) return device.error();
  Json client = {{"nodeId", text_at(*device, "nodeId")}};
  std::string addresses = equals < text.size() ? text.substr(equals + 1) : "";
  while (!addresses.empty()) {
    const std::size_t plus = std::min(addresses.find('+'), addresses.size());
    const std::string one = addresses.substr(0, plus);
    addresses.erase(0, plus + 1);
    client[one.find(':') == std::string::npos ? "ipv4" : "ipv6"] = one;
  }
  return client;
}

// What --node changes about the nodes that a device knows. "all": it knows every one, "N=none": not
// that one any more. One that is named again has been entered again, under the key it has now.
Done take_clients(const Invocation& call, Json known, Json& body) {
  if (!call.line.has("node")) return {};
  if (call.line.get("node") == "all") {
    body["clients"] = Json::array();
    body["clientsOnly"] = false;
    return {};
  }
  auto devices = list_nodes(call);
  if (!devices) return devices.error();
  for (const std::string& word : comma_list(call.line.get("node"))) {
    auto client = client_from(*devices, word);
    if (!client) return client.error();
    const std::string id = text_at(*client, "nodeId");
    const auto same = [&](const Json& one) { return text_at(one, "nodeId") == id; };
    known.erase(std::remove_if(known.begin(), known.end(), same), known.end());
    if (text_at(*client, "ipv4") != "none") known.push_back(std::move(*client));
  }
  body["clients"] = std::move(known);
  body["clientsOnly"] = true;
  return {};
}

// The options that `wg add`, `wg import` and `wg set` have in common, over what is known already.
Done take_options(const Invocation& call, const Json& before, Json& body) {
  if (call.line.has("key")) body["publicKey"] = call.line.get("key");
  if (call.line.has("endpoint")) {
    auto endpoints = endpoints_from(comma_list(call.line.get("endpoint")));
    if (!endpoints) return endpoints.error();
    body["endpoints"] = std::move(*endpoints);
  }
  if (call.line.has("dns")) body["resolvers"] = list_option(call, "dns");
  const bool changes_exit = call.line.has("exit-node") || call.line.has("no-exit-node");
  if (call.line.has("routes") || changes_exit) {
    Json routes = Json::array();
    bool exits = call.line.has("exit-node");
    for (const Json& route : list_at(before, "routes")) {
      if (is_default(route)) {
        exits = exits || !call.line.has("no-exit-node");
      } else if (!call.line.has("routes")) {
        routes.push_back(route);
      }
    }
    for (const std::string& route : list_option(call, "routes")) routes.push_back(route);
    if (exits) routes.insert(routes.end(), {Json("0.0.0.0/0"), Json("::/0")});
    body["routes"] = std::move(routes);
  }
  return take_clients(call, list_at(before, "clients"), body);
}

void take_owner(const Invocation& call, Json& body) {
  if (call.line.has("user")) body["user"] = call.line.get("user");
  if (call.line.has("tag")) body["tags"] = tags_from(call.line.get("tag"));
  if (call.line.has("address")) body["ipv4"] = call.line.get("address");
}

std::string routes_text(const Json& peer) {
  Json subnets = Json::array();
  for (const Json& route : list_at(peer, "routes")) {
    if (!is_default(route)) subnets.push_back(route);
  }
  return joined(subnets);
}

std::string clients_text(const Json& peer) {
  std::string out;
  for (const Json& client : list_at(peer, "clients")) {
    out += (out.empty() ? "" : ", ") + shown_label(client);
    for (const char* family : {"ipv4", "ipv6"}) {
      const std::string address = text_at(client, family);
      if (!address.empty()) out += " as " + address;
    }
    const bool current = flag_at(client, "isCurrent");
    if (!current) out += " (has another key now: enter it there, then wg set)";
  }
  if (!out.empty()) return out;
  return flag_at(peer, "clientsOnly") ? "nobody" : "every device that the policy lets meet it";
}

Done show(const Invocation& call, const Json& peer) {
  if (call.json) {
    print(json_text(peer));
    return {};
  }
  print(table(
      {{"Name", printable(text_at(peer, "name"))},
       {"Addresses", joined(list_at(peer, "addresses"))},
       {"Public key", text_at(peer, "publicKey")},
       {"Endpoints", joined(list_at(peer, "endpoints"))},
       {"Exit node", flag_at(peer, "isExitNode") ? "yes" : "no"},
       {"Routes", routes_text(peer)},
       {"Name servers", joined(list_at(peer, "resolvers"))},
       {"Knows", clients_text(peer)},
       {"User", printable(text_at(peer, "user"))},
       {"Tags", joined(list_at(peer, "tags"))}}));
  return {};
}

Done create(const Invocation& call, const Json& body, const std::string& next) {
  auto made = call.client.call("POST", kPeers, body.dump());
  if (!made) return made.error();
  const Json peer = parse_json(made->body);
  if (call.json) return show(call, peer);
  const Json addresses = list_at(peer, "addresses");
  const std::string at = addresses.empty() ? "" : addresses.front().get<std::string>();
  print(shown_label(peer) + " is there, at " + at + '\n' + next);
  return {};
}

// A file is made for one key. Which one the company holds cannot be seen from here; but a file with
// a private key of its own is not for a node's key, unless its user says what he did about that.
Done fits_node(const Invocation& call, const WireguardFile& file, const Json& client) {
  if (!file.own_key || call.line.has("registered")) return {};
  auto device = call.client.call("GET", "/device/" + text_at(client, "nodeId"));
  if (!device) return device.error();
  const auto key = NodePublicKey::parse(text_at(parse_json(device->body), "nodeKey"));
  if (key && *key == file.own_key->public_key()) return {};
  return Failure{
      Exit::Failed,
      "the file is for the key of its PrivateKey, and the device has one of its own: enter "
      "\"" + (key ? key_text::wireguard_form(*key) : "") +
          "\" with the company, take the address it gives that key, and say --registered"};
}

}  // namespace

Done wg_add(const Invocation& call) {
  if (!call.line.has("key") || !call.line.has("endpoint")) {
    return Failure{Exit::Usage, "wg add: --key and --endpoint are needed"};
  }
  Json body = {{"name", call.arguments[0]}};
  if (auto taken = take_options(call, Json::object(), body); !taken) return taken;
  take_owner(call, body);
  return create(
      call, body,
      "It must know the other devices: ayatori-coord wg conf " + call.arguments[0] + '\n');
}

Done wg_import(const Invocation& call) {
  if (!call.line.has("node")) {
    return Failure{Exit::Usage, "wg import: --node: whose key does the company have?"};
  }
  auto text = file_argument(call.arguments[1]);
  if (!text) return text.error();
  auto file = parse_wireguard_file(*text);
  if (!file) return Failure{Exit::Failed, call.arguments[1] + ": " + file.error()};
  Json body = {
      {"name", call.arguments[0]}, {"publicKey", key_text::wireguard_form(file->peer)},
      {"routes", Json::array()}, {"resolvers", Json::array()}};
  for (const Prefix& route : file->allowed_ips) body["routes"].push_back(route.to_text());
  for (const IpAddress& at : file->resolvers) body["resolvers"].push_back(at.to_text());
  if (auto taken = take_options(call, body, body); !taken) return taken;
  if (!call.line.has("endpoint")) {
    auto endpoints = endpoints_from({file->endpoint});
    if (!endpoints) return endpoints.error();
    body["endpoints"] = std::move(*endpoints);
  }
  Json& clients = body["clients"];
  for (Json& client : clients) {
    if (client.contains("ipv4") || client.contains("ipv6")) continue;
    if (clients.size() > 1) {
      return Failure{
          Exit::Usage, "wg import: the file's address is for one device; of several each says its "
                       "own: --node a=10.2.0.2,b=10.2.0.3"};
    }
    if (auto fits = fits_node(call, *file, client); !fits) return fits;
    for (const IpAddress& own : file->own_addresses) {
      client[own.is_v4() ? "ipv4" : "ipv6"] = own.to_text();
    }
  }
  take_owner(call, body);
  return create(call, body, "");
}

Done wg_list(const Invocation& call) {
  auto peers = list_peers(call);
  if (!peers) return peers.error();
  if (call.json) {
    print(json_text(*peers));
    return {};
  }
  std::vector<std::vector<std::string>> rows = {
      {"NAME", "ADDRESS", "ENDPOINTS", "EXIT NODE", "ROUTES"}};
  for (const Json& peer : *peers) {
    const Json addresses = list_at(peer, "addresses");
    rows.push_back(
        {shown_label(peer), addresses.empty() ? "" : addresses.front().get<std::string>(),
         joined(list_at(peer, "endpoints")), flag_at(peer, "isExitNode") ? "yes" : "no",
         routes_text(peer)});
  }
  print(table(rows));
  return {};
}

Done wg_show(const Invocation& call) {
  auto peer = chosen_peer(call);
  return peer ? show(call, *peer) : Done(peer.error());
}

Done wg_set(const Invocation& call) {
  auto peer = chosen_peer(call);
  if (!peer) return peer.error();
  Json body = Json::object();
  if (auto taken = take_options(call, *peer, body); !taken) return taken;
  if (body.empty()) return Failure{Exit::Usage, "wg set: nothing to change was given"};
  auto changed = call.client.call("PATCH", peer_path(*peer), body.dump());
  if (!changed) return changed.error();
  return show(call, parse_json(changed->body));
}

Done wg_remove(const Invocation& call) {
  auto peer = chosen_peer(call);
  if (!peer) return peer.error();
  auto gone = call.client.call("DELETE", peer_path(*peer));
  if (!gone) return gone.error();
  print(call.json ? json_text(*peer) : shown_label(*peer) + " removed\n");
  return {};
}

Done wg_conf(const Invocation& call) {
  auto peer = chosen_peer(call);
  if (!peer) return peer.error();
  auto reply = call.client.call("GET", peer_path(*peer) + "/config");
  if (!reply) return reply.error();
  const Json answer = parse_json(reply->body);
  print(call.json ? json_text(answer) : text_at(answer, "config"));
  return {};
}

Done wg_key(const Invocation& call) {
  auto device = chosen_node(call);
  if (!device) return device.error();
  const auto key = NodePublicKey::parse(text_at(*device, "nodeKey"));
  if (!key) return Failure{Exit::Failed, "the server sent no key"};
  const std::string text = key_text::wireguard_form(*key);
  print(call.json ? json_text({{"publicKey", text}}) : text + '\n');
  return {};
}

}  // namespace aya::coord
