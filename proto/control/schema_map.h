// The member lists of the map stream (control 6.3, 6.4, 6.7, 6.9, 6.10, 6.15-6.19). Private to this
// room.
#pragma once

#include "proto/control/map_request.h"
#include "proto/control/map_response.h"
#include "proto/control/schema_node.h"

namespace aya::control {

template <class Io>
void fields(Io& io, Of<DerpNode> auto& n) {
  io.always("Name", n.name);
  io.region("RegionID", n.region_id);
  io.always("HostName", n.host_name);
  io.omit("CertName", n.cert_name);
  io.omit("IPv4", n.ipv4);
  io.omit("IPv6", n.ipv6);
  io.omit("STUNPort", n.stun_port);
  io.omit("STUNOnly", n.stun_only);
  io.omit("DERPPort", n.derp_port);
  io.omit("InsecureForTests", n.insecure_for_tests);
  io.omit("STUNTestIP", n.stun_test_ip);
  io.omit("CanPort80", n.can_port_80);
}

template <class Io>
void fields(Io& io, Of<DerpRegion> auto& r) {
  io.region("RegionID", r.region_id);
  io.always("RegionCode", r.region_code);
  io.always("RegionName", r.region_name);
  io.omit("Latitude", r.latitude);
  io.omit("Longitude", r.longitude);
  io.omit("Avoid", r.avoid);
  io.omit("NoMeasureNoHome", r.no_measure_no_home);
  io.always("Nodes", r.nodes);
}

template <class Io>
void fields(Io& io, Of<DerpHomeParams> auto& p) {
  io.omit("RegionScore", p.region_score);
}

template <class Io>
void fields(Io& io, Of<DerpMap> auto& m) {
  io.omit("HomeParams", m.home_params);
  io.always("Regions", m.regions);
  io.omit("omitDefaultRegions", m.omit_default_regions);
}

template <class Io>
void fields(Io& io, Of<PortRange> auto& r) {
  io.always("First", r.first);
  io.always("Last", r.last);
}

template <class Io>
void fields(Io& io, Of<NetPortRange> auto& r) {
  io.always("IP", r.ip);
  io.omit("Bits", r.bits);
  io.always("Ports", r.ports);
}

template <class Io>
void fields(Io& io, Of<CapGrant> auto& g) {
  io.always("Dsts", g.dsts);
  io.omit("Caps", g.caps);
  io.omit("CapMap", g.cap_map);
}

template <class Io>
void fields(Io& io, Of<FilterRule> auto& r) {
  io.always("SrcIPs", r.src_ips);
  io.omit("SrcBits", r.src_bits);
  io.omit("DstPorts", r.dst_ports);
  io.omit("IPProto", r.ip_proto);
  io.omit("CapGrant", r.cap_grants);
}

template <class Io>
void fields(Io& io, Of<SshPrincipal> auto& p) {
  io.omit("node", p.node);
  io.omit("nodeIP", p.node_ip);
  io.omit("userLogin", p.user_login);
  io.omit("any", p.any);
}

template <class Io>
void fields(Io& io, Of<SshRecorderFailureAction> auto& a) {
  io.omit("RejectSessionWithMessage", a.reject_session_with_message);
  io.omit("TerminateSessionWithMessage", a.terminate_session_with_message);
  io.omit("NotifyURL", a.notify_url);
}

template <class Io>
void fields(Io& io, Of<SshAction> auto& a) {
  io.omit("message", a.message);
  io.omit("reject", a.reject);
  io.omit("accept", a.accept);
  io.omit("sessionDuration", a.session_duration);
  io.omit("allowAgentForwarding", a.allow_agent_forwarding);
  io.omit("holdAndDelegate", a.hold_and_delegate);
  io.omit("allowLocalPortForwarding", a.allow_local_port_forwarding);
  io.omit("allowRemotePortForwarding", a.allow_remote_port_forwarding);
  io.omit("recorders", a.recorders);
  io.omit("onRecordingFailure", a.on_recording_failure);
}

template <class Io>
void fields(Io& io, Of<SshRule> auto& r) {
  io.omit("ruleExpires", r.rule_expires);
  io.always("principals", r.principals);
  io.always("sshUsers", r.ssh_users);
  io.always("action", r.action);
  io.omit("acceptEnv", r.accept_env);
}

template <class Io>
void fields(Io& io, Of<SshPolicy> auto& p) {
  io.always("rules", p.rules);
}

template <class Io>
void fields(Io& io, Of<DisplayMessageAction> auto& a) {
  io.omit("URL", a.url);
  io.omit("Label", a.label);
}

template <class Io>
void fields(Io& io, Of<DisplayMessage> auto& m) {
  io.always("Title", m.title);
  io.always("Text", m.text);
  io.always("Severity", m.severity);
  io.omit("ImpactsConnectivity", m.impacts_connectivity);
  io.omit("PrimaryAction", m.primary_action);
}

template <class Io>
void fields(Io& io, Of<PingRequest> auto& p) {
  io.always("URL", p.url);
  io.omit("URLIsNoise", p.url_is_noise);
  io.omit("Log", p.log);
  io.omit("Types", p.types);
  io.omit("IP", p.ip);
  io.omit("Payload", p.payload);
}

template <class Io>
void fields(Io& io, Of<PingResponse> auto& p) {
  io.always("Type", p.type);
  io.omit("IP", p.ip);
  io.omit("NodeIP", p.node_ip);
  io.omit("NodeName", p.node_name);
  io.omit("Err", p.err);
  io.omit("LatencySeconds", p.latency_seconds);
  io.omit("Endpoint", p.endpoint);
  io.omit("PeerRelay", p.peer_relay);
  io.region("DERPRegionID", p.derp_region_id);
  io.omit("DERPRegionCode", p.derp_region_code);
  io.omit("PeerAPIPort", p.peer_api_port);
  io.omit("IsLocalIP", p.is_local_ip);
}

template <class Io>
void fields(Io& io, Of<ClientVersion> auto& v) {
  io.omit("RunningLatest", v.running_latest);
  io.omit("LatestVersion", v.latest_version);
  io.omit("UrgentSecurityUpdate", v.urgent_security_update);
  io.omit("Notify", v.notify);
  io.omit("NotifyURL", v.notify_url);
  io.omit("NotifyText", v.notify_text);
}

template <class Io>
void fields(Io& io, Of<Debug> auto& d) {
  io.omit("SleepSeconds", d.sleep_seconds);
  io.omit("DisableLogTail", d.disable_log_tail);
  io.omit("Exit", d.exit);
}

template <class Io>
void fields(Io& io, Of<ControlIpCandidate> auto& c) {
  io.omit("IP", c.ip);
  io.omit("ACEHost", c.ace_host);
  io.omit("DialStartDelaySec", c.dial_start_delay_sec);
  io.omit("DialTimeoutSec", c.dial_timeout_sec);
  io.omit("Priority", c.priority);
}

template <class Io>
void fields(Io& io, Of<ControlDialPlan> auto& p) {
  io.always("Candidates", p.candidates);
}

template <class Io>
void fields(Io& io, Of<MapRequest> auto& r) {
  io.always("Version", r.version);
  io.omit("Compress", r.compress);
  io.omit("KeepAlive", r.keep_alive);
  io.always("NodeKey", r.node_key);
  io.always("DiscoKey", r.disco_key);
  io.omit("Stream", r.stream);
  io.always("Hostinfo", r.hostinfo);
  io.omit("MapSessionHandle", r.map_session_handle);
  io.omit("MapSessionSeq", r.map_session_seq);
  io.omit("Endpoints", r.endpoints);
  io.omit("EndpointTypes", r.endpoint_types);
  io.omit("TKAHead", r.tka_head);
  io.omit("ReadOnly", r.read_only);
  io.omit("OmitPeers", r.omit_peers);
  io.omit("DebugFlags", r.debug_flags);
  io.omit("ConnectionHandleForTest", r.connection_handle_for_test);
}

template <class Io>
void fields(Io& io, Of<MapResponse> auto& m) {
  io.omit("MapSessionHandle", m.map_session_handle);
  io.omit("Seq", m.seq);
  io.omit("KeepAlive", m.keep_alive);
  io.omit("PingRequest", m.ping_request);
  io.omit("PopBrowserURL", m.pop_browser_url);
  io.omit("Node", m.node);
  io.omit("DERPMap", m.derp_map);
  io.omit("Peers", m.peers);
  io.omit("PeersChanged", m.peers_changed);
  io.omit("PeersRemoved", m.peers_removed);
  io.omit("PeersChangedPatch", m.peers_changed_patch);
  io.omit("PeerSeenChange", m.peer_seen_change);
  io.omit("OnlineChange", m.online_change);
  io.omit("DNSConfig", m.dns_config);
  io.omit("Domain", m.domain);
  io.omit("CollectServices", m.collect_services);
  io.omit("PacketFilter", m.packet_filter);
  io.omit("PacketFilters", m.packet_filters);
  io.omit("UserProfiles", m.user_profiles);
  io.omit("Health", m.health);
  io.omit("DisplayMessages", m.display_messages);
  io.omit("SSHPolicy", m.ssh_policy);
  io.omit("ControlTime", m.control_time);
  io.omit("TKAInfo", m.tka_info);
  io.omit("DomainDataPlaneAuditLogID", m.domain_data_plane_audit_log_id);
  io.omit("Debug", m.debug);
  io.omit("ControlDialPlan", m.control_dial_plan);
  io.omit("ClientVersion", m.client_version);
  io.omit("DefaultAutoUpdate", m.default_auto_update);
}

}  // namespace aya::control
