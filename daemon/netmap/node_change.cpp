#include "daemon/netmap/node_change.h"

#include <string_view>

#include "proto/base/parse_number.h"

namespace aya::netmap {

using control::Node;
using control::PeerChange;

namespace {

// "127.3.3.40:<region>"; anything else names no relay.
RegionId region_of_legacy_text(std::string_view text) {
  constexpr std::string_view kMagic = "127.3.3.40:";
  if (!text.starts_with(kMagic)) return 0;
  text.remove_prefix(kMagic.size());
  return parse_number<RegionId>(text).value_or(0);
}

bool same_outside_patches(const Node& a, const Node& b) {
  return a.stable_id == b.stable_id && a.name == b.name && a.user == b.user &&
         a.sharer == b.sharer && a.machine == b.machine && a.addresses == b.addresses &&
         a.allowed_ips == b.allowed_ips && a.hostinfo == b.hostinfo && a.created == b.created &&
         a.tags == b.tags && a.primary_routes == b.primary_routes &&
         a.machine_authorized == b.machine_authorized &&
         a.unsigned_peerapi_only == b.unsigned_peerapi_only && a.expired == b.expired &&
         a.self_v4_masq_addr_for_this_peer == b.self_v4_masq_addr_for_this_peer &&
         a.self_v6_masq_addr_for_this_peer == b.self_v6_masq_addr_for_this_peer &&
         a.is_wireguard_only == b.is_wireguard_only && a.is_jailed == b.is_jailed &&
         a.exit_node_dns_resolvers == b.exit_node_dns_resolvers;
}

}  // namespace

void normalize(Node& node) {
  if (node.home_derp == 0) node.home_derp = region_of_legacy_text(node.legacy_derp);
  node.legacy_derp.clear();
  if (!node.allowed_ips || node.unsigned_peerapi_only) node.allowed_ips = node.addresses;
  for (const std::string& name : node.capabilities) node.cap_map.try_emplace(name);
}

void apply(const PeerChange& change, Node& node) {
  if (change.derp_region != 0) node.home_derp = change.derp_region;
  if (change.cap != 0) node.cap = change.cap;
  if (change.cap_map) node.cap_map = *change.cap_map;
  if (change.endpoints) node.endpoints = *change.endpoints;
  if (change.key) node.key = *change.key;
  if (change.key_signature) node.key_signature = *change.key_signature;
  if (change.disco_key) node.disco_key = *change.disco_key;
  if (change.online) node.online = *change.online;
  if (change.last_seen) node.last_seen = *change.last_seen;
  if (change.key_expiry) node.key_expiry = *change.key_expiry;
}

std::optional<PeerChange> reduce_to_patch(const Node& known, const Node& next) {
  if (!same_outside_patches(known, next)) return std::nullopt;
  PeerChange change;
  change.node_id = next.id;
  if (next.home_derp != known.home_derp) change.derp_region = next.home_derp;  // 0: no change
  if (next.cap != known.cap) change.cap = next.cap;
  if (next.cap_map != known.cap_map) change.cap_map = next.cap_map;
  if (!next.endpoints.empty() && next.endpoints != known.endpoints) {
    change.endpoints = next.endpoints;
  }
  if (next.key != known.key) change.key = next.key;
  if (!next.key_signature.empty() && next.key_signature != known.key_signature) {
    change.key_signature = next.key_signature;
  }
  if (next.disco_key != known.disco_key) change.disco_key = next.disco_key;
  if (known.online && next.online && next.online != known.online) change.online = next.online;
  if (known.last_seen && next.last_seen && next.last_seen != known.last_seen) {
    change.last_seen = next.last_seen;
  }
  if (next.key_expiry != known.key_expiry) change.key_expiry = next.key_expiry;
  return change;
}

bool is_stale(const PeerChange& change, const Node& known) {
  return change.disco_key && change.online == false && change.last_seen && known.last_seen &&
         *change.last_seen <= *known.last_seen;
}

bool has_stale_disco_key(const Node& next, const Node& known) {
  if (next.disco_key.is_zero() || next.disco_key == known.disco_key) return false;
  if (next.online == true) return false;
  return !(next.last_seen && known.last_seen && *next.last_seen > *known.last_seen);
}

}  // namespace aya::netmap
