#include "daemon/netmap/netmap_delta.h"

namespace aya::netmap {
namespace {

using control::Node;

bool same_routing(const Node& a, const Node& b) {
  return a.addresses == b.addresses && a.allowed_ips == b.allowed_ips &&
         a.primary_routes == b.primary_routes && a.expired == b.expired &&
         a.key_expiry == b.key_expiry && a.is_jailed == b.is_jailed &&
         a.is_wireguard_only == b.is_wireguard_only &&
         a.unsigned_peerapi_only == b.unsigned_peerapi_only &&
         a.self_v4_masq_addr_for_this_peer == b.self_v4_masq_addr_for_this_peer &&
         a.self_v6_masq_addr_for_this_peer == b.self_v6_masq_addr_for_this_peer;
}

bool same_other(const Node& a, const Node& b) {
  return a.stable_id == b.stable_id && a.user == b.user && a.sharer == b.sharer &&
         a.key_signature == b.key_signature && a.machine == b.machine && a.hostinfo == b.hostinfo &&
         a.created == b.created && a.cap == b.cap && a.tags == b.tags &&
         a.machine_authorized == b.machine_authorized && a.capabilities == b.capabilities &&
         a.cap_map == b.cap_map && a.data_plane_audit_log_id == b.data_plane_audit_log_id &&
         a.exit_node_dns_resolvers == b.exit_node_dns_resolvers;
}

PeerDelta whole(NodeId id, PeerDelta::Kind kind) {
  const bool all = kind == PeerDelta::Kind::Added;
  return {id, kind, all, all, all, all, all, all, all, all};
}

}  // namespace

std::optional<PeerDelta> compare(const Node& was, const Node& is) {
  PeerDelta delta;
  delta.id = is.id;
  delta.key = was.key != is.key;
  delta.disco = was.disco_key != is.disco_key;
  delta.endpoints = was.endpoints != is.endpoints;
  delta.home = was.home_derp != is.home_derp;
  delta.routing = !same_routing(was, is);
  delta.names = was.name != is.name;
  delta.presence = was.online != is.online || was.last_seen != is.last_seen;
  delta.other = !same_other(was, is);
  if (!delta.any()) return std::nullopt;
  return delta;
}

NetmapDelta difference(const Netmap& was, const Netmap& is) {
  NetmapDelta delta;
  auto a = was.peers.begin();
  auto b = is.peers.begin();
  while (a != was.peers.end() || b != is.peers.end()) {
    if (b == is.peers.end() || (a != was.peers.end() && a->first < b->first)) {
      delta.peers.push_back(whole(a++->first, PeerDelta::Kind::Removed));
    } else if (a == was.peers.end() || b->first < a->first) {
      delta.peers.push_back(whole(b++->first, PeerDelta::Kind::Added));
    } else if (auto changed = compare(a++->second, b++->second)) {
      delta.peers.push_back(*changed);
    }
  }
  delta.self = was.self != is.self;
  delta.self_addresses =
      was.self.addresses != is.self.addresses || was.self.allowed_ips != is.self.allowed_ips;
  delta.packet_filters = was.packet_filters != is.packet_filters;
  delta.dns = was.dns != is.dns;
  delta.derp_map = was.derp_map != is.derp_map;
  delta.user_profiles = was.user_profiles != is.user_profiles;
  delta.ssh_policy = was.ssh_policy != is.ssh_policy;
  delta.messages = was.health != is.health || was.display_messages != is.display_messages;
  delta.account = was.domain != is.domain || was.collect_services != is.collect_services ||
                  was.network_lock != is.network_lock ||
                  was.domain_audit_log_id != is.domain_audit_log_id;
  return delta;
}

}  // namespace aya::netmap
