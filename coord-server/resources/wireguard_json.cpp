#include "coord-server/resources/wireguard_json.h"

#include "coord-server/nodes/address_rules.h"
#include "coord-server/resources/device_json.h"
#include "coord-server/resources/routes_field.h"
#include "proto/keys/wireguard_text.h"

namespace aya::resources {

using namespace api;

namespace {

constexpr std::size_t kMostEndpoints = 16;
constexpr std::size_t kMostResolvers = 8;

// --- as people read it ---

Json optional_text(const std::optional<IpAddress>& address) {
  return address ? Json(address->to_text()) : Json(nullptr);
}

Json clients_json(const nodes::Registry& registry, const store::WireguardDevice& device) {
  Json out = Json::array();
  for (const auto& [id, client] : device.clients) {
    const nodes::Node& node = *registry.find(id);
    out.push_back(
        {{"nodeId", node.record.stable_id},
         {"name", registry.full_name(node)},
         {"publicKey", key_text::wireguard_form(client.key)},
         {"isCurrent", client.key == node.record.node_key},
         {"ipv4", optional_text(client.ipv4)},
         {"ipv6", optional_text(client.ipv6)}});
  }
  return out;
}

}  // namespace

Json wireguard_facts_json(const nodes::Registry& registry, const nodes::NodeRecord& record) {
  const store::WireguardDevice& device = *record.wireguard;
  Json endpoints = Json::array(), resolvers = Json::array();
  for (const store::KnownEndpoint& known : record.live.endpoints) {
    endpoints.push_back(known.at.to_text());
  }
  for (const IpAddress& resolver : device.resolvers) resolvers.push_back(resolver.to_text());
  return {
      {"publicKey", key_text::wireguard_form(device.key)},
      {"endpoints", std::move(endpoints)},
      {"routes", routes_json(record.live.hostinfo.routable_ips)},
      {"resolvers", std::move(resolvers)},
      {"clientsOnly", device.clients_only},
      {"clients", clients_json(registry, device)}};
}

Json wireguard_peer_json(const nodes::Registry& registry, const nodes::Node& node) {
  const nodes::NodeRecord& r = node.record;
  Json out = wireguard_facts_json(registry, r);
  const Json device = device_json(registry, node, DeviceFields::Default);
  for (const char* same : {"id", "nodeId", "name", "addresses", "user", "tags", "created",
                           "authorized"}) {
    out[same] = device.at(same);
  }
  out["isExitNode"] = nodes::is_exit_node(r);
  return out;
}

// --- as people say it ---

namespace {

Answer<NodePublicKey> key_from(const Json& value, const char* where) {
  const std::string text = value.is_string() ? value.get<std::string>() : std::string();
  auto key = key_text::parse_wireguard(text);
  if (!key) key = NodePublicKey::parse(text);
  if (key && !key->is_zero()) return *key;
  return ApiError::bad_request(
      std::string(where) + ": want a WireGuard public key, 44 characters of base64");
}

Answer<NodePublicKey> own_key_from(
    const AdminContext& c, const Json& value, const nodes::NodeRecord& record) {
  auto key = key_from(value, "publicKey");
  if (!key) return key;
  const nodes::Node* holder = c.registry.find_wireguard(record.account, *key);
  if (holder == nullptr) holder = c.registry.find(*key);
  if (holder != nullptr && holder->account() == record.account && holder->id() != record.id) {
    return ApiError::conflict("publicKey: it is the key of " + c.registry.full_name(*holder));
  }
  return key;
}

Answer<store::KnownEndpoint> endpoint_from(const std::string& text) {
  const auto at = Endpoint::parse(text);
  if (!at || at->port == 0) {
    return ApiError::bad_request(
        "endpoints: " + in_quotes(text) + ": want an address and a port, as 192.0.2.7:51820");
  }
  const IpAddress& address = at->address;
  const bool inside = nodes::kOverlayV4.contains(address) || nodes::kOverlayV6.contains(address);
  if (inside || address.is_unspecified() || address.is_loopback() || address.is_multicast() ||
      (address.is_v6() && address.is_link_local_unicast())) {
    return ApiError::bad_request(
        "endpoints: " + text + " is no address that devices can send to from outside");
  }
  return store::KnownEndpoint{*at, control::EndpointType::Explicit};
}

Answer<void> take_endpoints(const Json& body, nodes::NodeRecord& record) {
  auto texts = texts_field(body, "endpoints");
  if (!texts) return texts.error();
  if (texts->empty() || texts->size() > kMostEndpoints) {
    return ApiError::bad_request(
        "endpoints: want 1 to " + std::to_string(kMostEndpoints) +
        "; a plain WireGuard device is found nowhere else");
  }
  record.live.endpoints.clear();
  for (const std::string& text : *texts) {
    auto endpoint = endpoint_from(text);
    if (!endpoint) return endpoint.error();
    record.live.endpoints.push_back(*endpoint);
  }
  return {};
}

Answer<void> take_resolvers(const Json& body, store::WireguardDevice& device) {
  auto texts = texts_field(body, "resolvers");
  if (!texts) return texts.error();
  if (texts->size() > kMostResolvers) {
    return ApiError::bad_request("resolvers: at most " + std::to_string(kMostResolvers));
  }
  device.resolvers.clear();
  for (const std::string& text : *texts) {
    const auto address = IpAddress::parse(text);
    if (!address) {
      return ApiError::bad_request("resolvers: " + in_quotes(text) + ": want an address");
    }
    device.resolvers.push_back(*address);
  }
  return {};
}

Answer<std::optional<IpAddress>> address_of(const Json& client, const char* name, bool v4) {
  auto text = text_field(client, name);
  if (!text) return text.error();
  if (text->empty()) return std::optional<IpAddress>();
  const auto address = IpAddress::parse(*text);
  if (!address || address->is_v4() != v4 || address->is_unspecified() || address->is_multicast()) {
    return ApiError::bad_request("clients: " + in_quotes(*text) + " is no " + name + " address");
  }
  return std::optional(*address);
}

Answer<void> take_client(const AdminContext& c, const Json& client, nodes::NodeRecord& record) {
  if (!client.is_object()) return ApiError::bad_request("clients: want a list of objects");
  auto id = text_field(client, "nodeId");
  if (!id) return id.error();
  auto node = c.device(*id);
  if (!node) return node.error();
  if ((*node)->account() != record.account) return ApiError::not_found("device");
  if ((*node)->record.wireguard) {
    return ApiError::bad_request("clients: a plain WireGuard device is nobody's client");
  }
  auto ipv4 = address_of(client, "ipv4", true);
  auto ipv6 = address_of(client, "ipv6", false);
  for (const auto* address : {&ipv4, &ipv6}) {
    if (!*address) return address->error();
  }
  store::WireguardClient out{(*node)->record.node_key, *ipv4, *ipv6};
  if (client.contains("publicKey") && !client.at("publicKey").is_null()) {
    auto key = key_from(client.at("publicKey"), "clients");
    if (!key) return key.error();
    out.key = *key;
  }
  const bool fresh = record.wireguard->clients.emplace((*node)->id(), out).second;
  if (!fresh) return ApiError::bad_request("clients: " + *id + " is named twice");
  return {};
}

Answer<void> take_clients(const AdminContext& c, const Json& body, nodes::NodeRecord& record) {
  const Json& clients = body.at("clients");
  if (!clients.is_array()) return ApiError::bad_request("clients: want a list of objects");
  record.wireguard->clients.clear();
  for (const Json& client : clients) {
    if (auto taken = take_client(c, client, record); !taken) return taken;
  }
  return {};
}

}  // namespace

// Its routes need nobody else's approval: who says them may approve.
Answer<void> take_wireguard_facts(
    const AdminContext& c, const Json& body, nodes::NodeRecord& record) {
  const auto says = [&](const char* name) {
    return body.contains(name) && !body.at(name).is_null();
  };
  if (says("publicKey")) {
    auto key = own_key_from(c, body.at("publicKey"), record);
    if (!key) return key.error();
    record.wireguard->key = *key;
  }
  if (says("endpoints")) {
    if (auto taken = take_endpoints(body, record); !taken) return taken;
  }
  if (says("routes")) {
    auto routes = routes_field(body);
    if (!routes) return routes.error();
    record.approved_routes = record.live.hostinfo.routable_ips = std::move(*routes);
  }
  if (says("resolvers")) {
    if (auto taken = take_resolvers(body, *record.wireguard); !taken) return taken;
  }
  auto clients_only = flag_field(body, "clientsOnly", record.wireguard->clients_only);
  if (!clients_only) return clients_only.error();
  record.wireguard->clients_only = *clients_only;
  if (says("clients")) return take_clients(c, body, record);
  return {};
}

}  // namespace aya::resources
