// The member lists of nodes and their parts (control 6.2, 6.5, 6.6, 6.8, 6.11, 6.12), in the order
// deployed programs write them. Private to this room.
#pragma once

#include "proto/control/json_fields.h"
#include "proto/control/node.h"

namespace aya::control {

template <class Io>
void fields(Io& io, Of<Resolver> auto& r) {
  io.omit("Addr", r.addr);
  io.omit("BootstrapResolution", r.bootstrap_resolution);
  io.omit("UseWithExitNode", r.use_with_exit_node);
}

template <class Io>
void fields(Io& io, Of<DnsRecord> auto& r) {
  io.always("Name", r.name);
  io.omit("Type", r.type);
  io.always("Value", r.value);
}

template <class Io>
void fields(Io& io, Of<DnsConfig> auto& c) {
  io.omit("Resolvers", c.resolvers);
  io.omit("Routes", c.routes);
  io.omit("FallbackResolvers", c.fallback_resolvers);
  io.omit("Domains", c.domains);
  io.omit("Proxied", c.proxied);
  io.omit("Nameservers", c.nameservers);
  io.omit("CertDomains", c.cert_domains);
  io.omit("ExtraRecords", c.extra_records);
  io.omit("ExitNodeFilteredSet", c.exit_node_filtered_set);
  io.omit("TempCorpIssue13969", c.temp_corp_issue_13969);
}

template <class Io>
void fields(Io& io, Of<NetInfo> auto& n) {
  io.omit("MappingVariesByDestIP", n.mapping_varies_by_dest_ip);
  io.omit("WorkingIPv6", n.working_ipv6);
  io.omit("OSHasIPv6", n.os_has_ipv6);
  io.omit("WorkingUDP", n.working_udp);
  io.omit("WorkingICMPv4", n.working_icmp_v4);
  io.omit("HavePortMap", n.have_port_map);
  io.omit("UPnP", n.upnp);
  io.omit("PMP", n.pmp);
  io.omit("PCP", n.pcp);
  io.region("PreferredDERP", n.preferred_derp);
  io.omit("LinkType", n.link_type);
  io.omit("DERPLatency", n.derp_latency);
  io.omit("FirewallMode", n.firewall_mode);
}

template <class Io>
void fields(Io& io, Of<Service> auto& s) {
  io.always("Proto", s.proto);
  io.always("Port", s.port);
  io.omit("Description", s.description);
}

template <class Io>
void fields(Io& io, Of<Location> auto& l) {
  io.omit("Country", l.country);
  io.omit("CountryCode", l.country_code);
  io.omit("City", l.city);
  io.omit("CityCode", l.city_code);
  io.omit("Latitude", l.latitude);
  io.omit("Longitude", l.longitude);
  io.omit("Priority", l.priority);
}

template <class Io>
void fields(Io& io, Of<Hostinfo> auto& h) {
  io.omit("IPNVersion", h.ipn_version);
  io.omit("BackendLogID", h.backend_log_id);
  io.omit("OS", h.os);
  io.omit("OSVersion", h.os_version);
  io.omit("Container", h.container);
  io.omit("Distro", h.distro);
  io.omit("DistroVersion", h.distro_version);
  io.omit("DistroCodeName", h.distro_code_name);
  io.omit("DeviceModel", h.device_model);
  io.omit("Hostname", h.hostname);
  io.omit("ShieldsUp", h.shields_up);
  io.omit("ShareeNode", h.sharee_node);
  io.omit("GoArch", h.go_arch);
  io.omit("RoutableIPs", h.routable_ips);
  io.omit("RequestTags", h.request_tags);
  io.omit("Services", h.services);
  io.omit("NetInfo", h.net_info);
  io.omit("sshHostKeys", h.ssh_host_keys);
  io.omit("Userspace", h.userspace);
  io.omit("UserspaceRouter", h.userspace_router);
  io.omit("AppConnector", h.app_connector);
  io.omit("ExitNodeID", h.exit_node_id);
  io.omit("ServicesHash", h.services_hash);
  io.others(h.others);
}

template <class Io>
void fields(Io& io, Of<Node> auto& n) {
  io.always("ID", n.id);
  io.always("StableID", n.stable_id);
  io.always("Name", n.name);
  io.always("User", n.user);
  io.omit("Sharer", n.sharer);
  io.always("Key", n.key);
  io.omit("KeyExpiry", n.key_expiry);
  io.omit("KeySignature", n.key_signature);
  io.omit("Machine", n.machine);
  io.omit("DiscoKey", n.disco_key);
  io.always("Addresses", n.addresses);
  io.omit("AllowedIPs", n.allowed_ips);
  io.omit("Endpoints", n.endpoints);
  io.omit("DERP", n.legacy_derp);
  io.region("HomeDERP", n.home_derp);
  io.omit("Hostinfo", n.hostinfo);
  io.omit("Created", n.created);
  io.omit("Cap", n.cap);
  io.omit("Tags", n.tags);
  io.omit("PrimaryRoutes", n.primary_routes);
  io.omit("LastSeen", n.last_seen);
  io.omit("Online", n.online);
  io.omit("MachineAuthorized", n.machine_authorized);
  io.omit("Capabilities", n.capabilities);
  io.omit("CapMap", n.cap_map);
  io.omit("UnsignedPeerAPIOnly", n.unsigned_peerapi_only);
  io.omit("DataPlaneAuditLogID", n.data_plane_audit_log_id);
  io.omit("Expired", n.expired);
  io.omit("SelfNodeV4MasqAddrForThisPeer", n.self_v4_masq_addr_for_this_peer);
  io.omit("SelfNodeV6MasqAddrForThisPeer", n.self_v6_masq_addr_for_this_peer);
  io.omit("IsWireGuardOnly", n.is_wireguard_only);
  io.omit("IsJailed", n.is_jailed);
  io.omit("ExitNodeDNSResolvers", n.exit_node_dns_resolvers);
}

template <class Io>
void fields(Io& io, Of<PeerChange> auto& c) {
  io.always("NodeID", c.node_id);
  io.region("DERPRegion", c.derp_region);
  io.omit("Cap", c.cap);
  io.omit("CapMap", c.cap_map);
  io.omit("Endpoints", c.endpoints);
  io.omit("Key", c.key);
  io.omit("KeySignature", c.key_signature);
  io.omit("DiscoKey", c.disco_key);
  io.omit("Online", c.online);
  io.omit("LastSeen", c.last_seen);
  io.omit("KeyExpiry", c.key_expiry);
}

template <class Io>
void fields(Io& io, Of<UserProfile> auto& u) {
  io.always("ID", u.id);
  io.always("LoginName", u.login_name);
  io.always("DisplayName", u.display_name);
  io.omit("ProfilePicURL", u.profile_pic_url);
  io.omit("Groups", u.groups);
}

}  // namespace aya::control
