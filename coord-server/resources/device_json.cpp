#include "coord-server/resources/device_json.h"

#include <algorithm>

#include "coord-server/resources/device_query.h"
#include "proto/base/parse_number.h"
#include "proto/base/words.h"

namespace aya::resources {
namespace {

using namespace api;

Json tri_state(const std::optional<bool>& value) { return value ? Json(*value) : Json(nullptr); }

// Of a key of NetInfo::derp_latency: "<region>-v4".
std::string region_name(std::string_view key, const RegionNames& regions) {
  const std::string_view number = key.substr(0, key.find('-'));
  const auto known = regions.find(parse_number<RegionId>(number).value_or(0));
  return known == regions.end() ? "Region " + std::string(number) : known->second;
}

Json connectivity_json(const store::NodeLive& live, const RegionNames& regions) {
  Json endpoints = Json::array();
  for (const store::KnownEndpoint& known : live.endpoints) endpoints.push_back(known.at.to_text());
  const control::NetInfo net = live.hostinfo.net_info.value_or(control::NetInfo{});
  Json latency = Json::object();
  for (const auto& [key, seconds] : net.derp_latency) {
    Json& entry = latency[region_name(key, regions)];
    if (entry.is_null() || entry["latencyMs"].get<double>() > seconds * 1000) {
      entry["latencyMs"] = seconds * 1000;
    }
    if (key.starts_with(std::to_string(live.home_region) + '-')) entry["preferred"] = true;
  }
  return {
      {"endpoints", endpoints},
      {"derp", live.home_region == 0 ? "" : std::to_string(live.home_region)},
      {"mappingVariesByDestIP", net.mapping_varies_by_dest_ip.value_or(false)},
      {"latency", latency},
      {"clientSupports",
       {{"hairPinning", nullptr},
        {"ipv6", tri_state(net.working_ipv6)},
        {"pcp", tri_state(net.pcp)},
        {"pmp", tri_state(net.pmp)},
        {"udp", tri_state(net.working_udp)},
        {"upnp", tri_state(net.upnp)}}}};
}

void add_all_fields(const nodes::Node& node, const RegionNames& regions, Json& out) {
  const control::Hostinfo& host = node.record.live.hostinfo;
  out["advertisedRoutes"] = routes_json(host.routable_ips);
  out["enabledRoutes"] = routes_json(node.record.approved_routes);
  out["sshEnabled"] = !host.ssh_host_keys.empty();
  out["distro"] = {
      {"name", host.distro}, {"version", host.distro_version}, {"codeName", host.distro_code_name}};
  out["clientConnectivity"] = connectivity_json(node.record.live, regions);
  out["ayatori"] = {
      {"capver", node.record.live.capver},
      {"homeRegion", node.record.live.home_region},
      {"label", node.record.label},
      {"labelIsChosen", node.record.label_is_chosen},
      {"answersSubdomains", node.record.answers_subdomains},
      {"health", node.health},
      {"carriedRoutes", routes_json(nodes::carried_routes(node.record))}};
  if (!node.hardware) return;
  if (node.hardware->disabled) {
    out["postureIdentity"] = {{"disabled", true}};
  } else {
    out["postureIdentity"] = {
        {"serialNumbers", node.hardware->serial_numbers},
        {"hardwareAddresses", node.hardware->hardware_addresses}};
  }
}

bool holds(const Json& field, const std::string& wanted) {
  if (field.is_array()) {
    return std::ranges::any_of(field, [&](const Json& item) { return item == wanted; });
  }
  if (field.is_boolean()) return wanted == (field.get<bool>() ? "true" : "false");
  return field.is_string() && field == wanted;
}

}  // namespace

Json routes_json(const std::vector<Prefix>& routes) {
  Json out = Json::array();
  for (const Prefix& route : routes) out.push_back(route.to_text());
  return out;
}

Json device_json(
    const nodes::Registry& registry, const nodes::Node& node, DeviceFields fields,
    const RegionNames& regions) {
  const nodes::NodeRecord& r = node.record;
  const store::User* owner = registry.user(r.user);
  AYA_CHECK(owner != nullptr);
  Json out = {
      {"addresses", {r.ipv4.to_text(), r.ipv6.to_text()}},
      {"id", std::to_string(r.id.value)},
      {"nodeId", r.stable_id},
      {"user", r.never_owned ? std::string() : owner->login},
      {"name", registry.full_name(node)},
      {"hostname", r.live.hostinfo.hostname},
      {"clientVersion", r.live.hostinfo.ipn_version},
      {"updateAvailable", false},
      {"os", r.live.hostinfo.os},
      {"created", to_rfc3339(r.created)},
      {"expires", r.key_expiry ? to_rfc3339(*r.key_expiry) : std::string(kZeroTimeText)},
      {"keyExpiryDisabled", !r.key_expiry.has_value()},
      {"connectedToControl", node.connected()},
      {"authorized", r.authorized},
      {"isExternal", false},
      {"isEphemeral", r.ephemeral},
      {"machineKey", r.machine.to_text()},
      {"nodeKey", r.shown_key().to_text()},
      {"blocksIncomingConnections", r.live.hostinfo.shields_up},
      {"tags", r.tags},
      {"tailnetLockKey", ""},
      {"tailnetLockError", ""}};
  if (!node.online && r.live.last_seen) out["lastSeen"] = to_rfc3339(*r.live.last_seen);
  if (r.wireguard) out["isWireGuardOnly"] = true;
  if (fields == DeviceFields::All) add_all_fields(node, regions, out);
  return out;
}

Json external_device_json(
    const nodes::Registry& registry, const nodes::Node& node, store::AccountId viewer,
    DeviceFields fields) {
  Json out = device_json(registry, node, DeviceFields::Default);
  const auto alias = registry.alias(viewer, node.id());
  out["addresses"] = Json::array({alias ? alias->to_text() : "", node.record.ipv6.to_text()});
  out["isExternal"] = true;
  out["tags"] = Json::array();
  for (const char* hidden : {"created", "clientVersion", "machineKey"}) out[hidden] = "";
  if (fields == DeviceFields::All) {
    out["advertisedRoutes"] = out["enabledRoutes"] = Json::array();
  }
  return out;
}

Answer<void> check_filters(const std::vector<http::QueryField>& filters) {
  const auto known = words_in(kDeviceQuery);
  for (const http::QueryField& filter : filters) {
    if (std::ranges::find(known, filter.name) == known.end()) {
      return ApiError::bad_request("unknown filter field \"" + filter.name + "\"");
    }
  }
  return {};
}

Answer<bool> device_matches(
    const nodes::Registry& registry, const nodes::Node& node,
    const std::vector<http::QueryField>& filters) {
  if (filters.empty()) return true;
  const Json device = device_json(registry, node, DeviceFields::All);
  return std::ranges::all_of(filters, [&](const http::QueryField& filter) {
    if (filter.name == "name" && filter.value == node.record.label) return true;
    const auto field = device.find(filter.name);
    return field != device.end() && holds(*field, filter.value);
  });
}

}  // namespace aya::resources
