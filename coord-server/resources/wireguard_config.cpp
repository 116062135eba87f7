#include "coord-server/resources/wireguard_config.h"

#include <algorithm>

#include "proto/keys/wireguard_text.h"

namespace aya::resources {
namespace {

using control::EndpointType;

// The better the nearer to the end: what the world sees of a node before what its own network does.
int rank(const store::KnownEndpoint& endpoint) {
  const IpAddress& address = endpoint.at.address;
  const bool near = endpoint.type == EndpointType::Local || address.is_private();
  return (near ? 0 : 2) + (address.is_v4() ? 1 : 0);
}

std::optional<Endpoint> endpoint_of(const store::NodeLive& live) {
  const auto best = std::ranges::max_element(live.endpoints, {}, rank);
  if (best == live.endpoints.end()) return std::nullopt;
  return best->at;
}

std::string listed(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ", ") + text;
  return out;
}

std::string host(const IpAddress& address) { return Prefix::host(address).to_text(); }

std::string peer_section(
    const nodes::Registry& registry, const store::WireguardDevice& device,
    const nodes::Node& other) {
  IpAddress ipv4 = other.record.ipv4, ipv6 = other.record.ipv6;
  if (const auto known = device.clients.find(other.id()); known != device.clients.end()) {
    ipv4 = known->second.ipv4.value_or(ipv4);
    ipv6 = known->second.ipv6.value_or(ipv6);
  }
  std::vector<std::string> allowed = {host(ipv4), host(ipv6)};
  for (const store::FormerAddress& former : other.record.former) {
    allowed.push_back(host(former.address));
  }
  std::string out = "\n# " + registry.full_name(other) + "\n[Peer]\n";
  out += "PublicKey = " + key_text::wireguard_form(other.record.node_key) + '\n';
  out += "AllowedIPs = " + listed(allowed) + '\n';
  // Only where to look first: WireGuard follows a peer that speaks from somewhere else.
  const auto at = endpoint_of(other.record.live);
  if (at) out += "Endpoint = " + at->to_text() + '\n';
  return out;
}

}  // namespace

std::string wireguard_config(
    const nodes::Registry& registry, const nodes::Node& device,
    const std::vector<const nodes::Node*>& others) {
  const store::WireguardDevice& wireguard = *device.record.wireguard;
  std::string out = "# " + registry.full_name(device) +
                    "\n# Print this again when devices join, leave, log in anew or get other "
                    "addresses:\n# nothing else tells this one.\n[Interface]\n";
  out += "# PrivateKey = the one that belongs to " + key_text::wireguard_form(wireguard.key) + '\n';
  out += "Address = " + host(device.record.ipv4) + ", " + host(device.record.ipv6) + '\n';
  const auto& endpoints = device.record.live.endpoints;
  if (!endpoints.empty()) {
    out += "ListenPort = " + std::to_string(endpoints.front().at.port) + '\n';
  }
  for (const nodes::Node* other : others) out += peer_section(registry, wireguard, *other);
  return out;
}

}  // namespace aya::resources
