#include "daemon/app/status_view.h"

#include <algorithm>

#include "daemon/app/map_meaning.h"
#include "proto/base/version.h"
#include "proto/control/json_text.h"
#include "proto/control/json_writer.h"

namespace aya::app {
namespace {

constexpr Duration kActiveWithin = std::chrono::minutes(2);  // interfaces 4.4

local::UserProfile profile_of(const netmap::Netmap& map, control::UserId user) {
  local::UserProfile out;
  out.id = user.value;
  if (const auto* profile = map.profile(user)) {
    out.login_name = profile->login_name;
    out.display_name = profile->display_name;
    out.profile_pic_url = profile->profile_pic_url;
  }
  return out;
}

local::RawJson cap_map_json(const control::CapMap& caps) {
  if (caps.empty()) return {};
  return {control::encode(caps)};
}

std::vector<std::string> peer_api_urls(const control::Node& node) {
  std::vector<std::string> out;
  for (const IpAddress& address : addresses_of(node)) {
    if (auto url = peer_api_url(node, address)) out.push_back(*std::move(url));
  }
  return out;
}

}  // namespace

std::optional<std::string> peer_api_url(const control::Node& node, const IpAddress& address) {
  if (!node.hostinfo) return std::nullopt;
  const std::string_view wanted = address.is_v4() ? "peerapi4" : "peerapi6";
  const auto service = std::ranges::find(node.hostinfo->services, wanted, &control::Service::proto);
  if (service == node.hostinfo->services.end()) return std::nullopt;
  return "http://" + Endpoint{address, service->port}.to_text();
}

local::Location local_location(const control::Location& at) {
  return {at.country,  at.country_code, at.city,    at.city_code,
          at.latitude, at.longitude,    at.priority};
}

namespace {

// What self and peers have in common.
local::PeerStatus from_node(const control::Node& node) {
  local::PeerStatus out;
  out.id = node.stable_id;
  out.node_id = node.id.value;
  out.public_key = node.key;
  if (node.hostinfo) {
    out.host_name = node.hostinfo->hostname;
    out.os = node.hostinfo->os;
    out.ssh_host_keys = node.hostinfo->ssh_host_keys;
    out.sharee_node = node.hostinfo->sharee_node;
  }
  out.dns_name = node.name;
  out.user_id = node.user.value;
  out.alt_sharer_user_id = node.sharer.value;
  out.tailscale_ips = addresses_of(node);
  out.allowed_ips = node.allowed_ips ? *node.allowed_ips : node.addresses;
  out.tags = node.tags;
  out.primary_routes = node.primary_routes;
  out.peer_api_urls = peer_api_urls(node);
  for (const auto& [name, values] : node.cap_map) out.capabilities.push_back(name);
  out.cap_map = cap_map_json(node.cap_map);
  out.created = node.created;
  out.key_expiry = node.key_expiry;
  out.exit_node_option = may_be_exit(node);
  if (const auto at = node.hostinfo ? node.hostinfo->location() : std::nullopt) {
    out.location = local_location(*at);
  }
  out.in_network_map = true;
  return out;
}

local::PeerStatus from_peer(const control::Node& node, const StatusInputs& inputs) {
  local::PeerStatus out = from_node(node);
  const PeerRuntime runtime = inputs.runtime(node.id);
  out.online = node.online.value_or(false);
  out.last_seen = node.last_seen;
  out.relay = inputs.region_code(node.home_derp);
  out.expired = runtime.expired;
  out.in_engine = runtime.in_engine;
  out.in_magic_sock = runtime.path.has_value();
  if (runtime.path && runtime.path->direct && runtime.path->trusted) {
    out.cur_addr = runtime.path->direct->to_text();
  }
  if (runtime.stats) {
    out.rx_bytes = runtime.stats->rx_bytes;
    out.tx_bytes = runtime.stats->tx_bytes;
    out.last_handshake = runtime.stats->last_handshake;
  }
  out.last_write = runtime.last_sent;
  out.exit_node = !node.stable_id.empty() && inputs.exit_node == node.stable_id;
  out.active = runtime.last_sent && inputs.now - *runtime.last_sent < kActiveWithin;
  return out;
}

local::PeerStatus from_self(const StatusInputs& inputs) {
  local::PeerStatus out;
  if (inputs.map != nullptr) out = from_node(inputs.map->self);
  out.public_key = inputs.self_key;
  out.host_name = inputs.host_name;
  out.os = "linux";
  out.addrs = inputs.own_endpoints;
  out.addrs_known = true;
  out.relay = inputs.region_code(inputs.home);
  out.online = inputs.state == local::BackendState::Running;
  return out;
}

}  // namespace

std::string display_name(const control::Node& node) {
  if (!node.name.empty()) return node.name.substr(0, node.name.find('.'));
  return node.hostinfo ? node.hostinfo->hostname : std::string();
}

const control::Node* find_node(const netmap::Netmap& map, const IpAddress& address) {
  const Prefix wanted = Prefix::host(address);
  const auto has = [&](const control::Node& node) {
    return std::ranges::find(node.addresses, wanted) != node.addresses.end();
  };
  if (has(map.self)) return &map.self;
  for (const auto& [id, peer] : map.peers) {
    if (has(peer)) return &peer;
  }
  return nullptr;
}

const control::Node* find_node(const netmap::Netmap& map, const NodePublicKey& key) {
  if (map.self.key == key) return &map.self;
  for (const auto& [id, peer] : map.peers) {
    if (peer.key == key) return &peer;
  }
  return nullptr;
}

local::Status make_status(const StatusInputs& inputs, bool with_peers) {
  local::Status out;
  out.version = kVersion;
  out.tun = true;
  out.backend_state = inputs.state;
  out.have_node_key = !inputs.self_key.is_zero();
  out.auth_url = inputs.auth_url;
  out.health = inputs.health;
  out.self = from_self(inputs);
  if (inputs.map == nullptr) return out;

  const netmap::Netmap& map = *inputs.map;
  out.tailscale_ips = out.self.tailscale_ips;
  out.magic_dns_suffix = map.magic_dns_suffix();
  out.current_tailnet =
      local::Tailnet{map.domain, out.magic_dns_suffix, map.dns && map.dns->proxied};
  if (map.dns) {
    out.cert_domains = map.dns->cert_domains;
    for (const auto& record : map.dns->extra_records) {
      out.extra_records.push_back({record.name, record.type, record.value});
    }
  }
  out.users[map.self.user.value] = profile_of(map, map.self.user);
  for (const auto& [id, peer] : map.peers) {
    if (inputs.exit_node != peer.stable_id) continue;
    out.exit_node =
        local::ExitNodeStatus{peer.stable_id, peer.online.value_or(false), peer.addresses};
  }
  out.routing = inputs.routing;
  if (!with_peers) return out;
  for (const auto& [id, peer] : map.peers) {
    out.peers.push_back(from_peer(peer, inputs));
    for (const auto user : {peer.user, peer.sharer}) {
      if (user.value != 0) out.users[user.value] = profile_of(map, user);
    }
  }
  return out;
}

local::WhoIs make_whois(const netmap::Netmap& map, const control::Node& node) {
  local::WhoIs out;
  out.node = {control::encode(node)};
  out.user = profile_of(map, node.user);
  return out;
}

local::RawJson make_net_map(const netmap::Netmap& map) {
  std::string out;
  control::JsonWriter json(out);
  json.begin_object();
  json.key("SelfNode");
  json.literal(control::encode(map.self));
  json.key("NodeKey");
  json.text(map.self.key.to_text());
  json.key("Peers");
  json.begin_array();
  for (const auto& [id, peer] : map.peers) json.literal(control::encode(peer));
  json.end_array();
  if (map.dns) {
    json.key("DNS");
    json.literal(control::encode(*map.dns));
  }
  if (map.derp_map) {
    json.key("DERPMap");
    json.literal(control::encode(*map.derp_map));
  }
  json.key("Domain");
  json.text(map.domain);
  json.key("UserProfiles");
  json.begin_object();
  for (const auto& [id, profile] : map.user_profiles) {
    json.key(std::to_string(id.value));
    json.literal(control::encode(profile));
  }
  json.end_object();
  json.end_object();
  return {out};
}

}  // namespace aya::app
