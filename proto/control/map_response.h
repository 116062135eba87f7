// One message of the map stream (control 6.4, 6.15-6.19): the first is a whole picture, the others
// are deltas. What absence means is said per field; daemon/netmap folds them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proto/base/time.h"
#include "proto/control/derp_map.h"
#include "proto/control/dns_config.h"
#include "proto/control/filter_rule.h"
#include "proto/control/node.h"
#include "proto/control/ssh_policy.h"

namespace aya::control {

struct DisplayMessageAction {
  std::string url, label;
  friend bool operator==(const DisplayMessageAction&, const DisplayMessageAction&) = default;
};

struct DisplayMessage {
  std::string title, text;
  std::string severity;  // "high", "medium", "low"
  bool impacts_connectivity = false;
  std::optional<DisplayMessageAction> primary_action;
  friend bool operator==(const DisplayMessage&, const DisplayMessage&) = default;
};

struct PingRequest {  // control 4.5
  std::string url;    // where the answer goes; the same as last time, or empty: ignore
  bool url_is_noise = false;
  bool log = false;
  std::string types;  // "", "c2n", or a comma list of disco, TSMP, ICMP, peerapi
  std::optional<IpAddress> ip;
  Buffer payload;  // c2n: an HTTP/1.x request
  friend bool operator==(const PingRequest&, const PingRequest&) = default;
};

struct PingResponse {
  std::string type;
  std::string ip, node_ip, node_name, err;
  double latency_seconds = 0;
  std::string endpoint, peer_relay;
  RegionId derp_region_id = 0;
  std::string derp_region_code;
  std::uint16_t peer_api_port = 0;
  bool is_local_ip = false;
  friend bool operator==(const PingResponse&, const PingResponse&) = default;
};

struct ClientVersion {
  bool running_latest = false;
  std::string latest_version;
  bool urgent_security_update = false, notify = false;
  std::string notify_url, notify_text;
  friend bool operator==(const ClientVersion&, const ClientVersion&) = default;
};

struct Debug {
  double sleep_seconds = 0;
  bool disable_log_tail = false;
  std::optional<int> exit;
  friend bool operator==(const Debug&, const Debug&) = default;
};

struct ControlIpCandidate {
  std::optional<IpAddress> ip;
  std::string ace_host;
  double dial_start_delay_sec = 0, dial_timeout_sec = 0;
  int priority = 0;
  friend bool operator==(const ControlIpCandidate&, const ControlIpCandidate&) = default;
};

struct ControlDialPlan {
  std::vector<ControlIpCandidate> candidates;  // empty: DNS only
  friend bool operator==(const ControlDialPlan&, const ControlDialPlan&) = default;
};

using FilterRules = std::vector<FilterRule>;

struct MapResponse {
  std::string map_session_handle;
  std::int64_t seq = 0;
  bool keep_alive = false;  // true: only the next five count
  std::optional<PingRequest> ping_request;
  std::string pop_browser_url;
  std::optional<ClientVersion> client_version;
  std::optional<WallTime> control_time;
  std::optional<ControlDialPlan> control_dial_plan;

  std::optional<Node> node;  // self, always whole. Required in the first message
  std::optional<DerpMap> derp_map;

  std::vector<Node> peers;  // non-empty: the whole list, and the other peer fields are ignored
  std::vector<Node> peers_changed;
  std::vector<NodeId> peers_removed;
  std::vector<PeerChange> peers_changed_patch;
  std::map<NodeId, bool> peer_seen_change;
  std::map<NodeId, bool> online_change;

  std::optional<DnsConfig> dns_config;
  std::string domain;  // empty: unchanged
  std::optional<bool> collect_services;
  std::optional<FilterRules> packet_filter;                          // the key "base" of the next
  std::map<std::string, std::optional<FilterRules>> packet_filters;  // null deletes; "*": all
  std::vector<UserProfile> user_profiles;
  std::optional<std::vector<std::string>> health;                         // [] is healthy
  std::map<std::string, std::optional<DisplayMessage>> display_messages;  // as packet_filters
  std::optional<SshPolicy> ssh_policy;
  std::optional<RawJson> tka_info;
  std::string domain_data_plane_audit_log_id;
  std::optional<Debug> debug;
  std::optional<bool> default_auto_update;
  friend bool operator==(const MapResponse&, const MapResponse&) = default;
};

}  // namespace aya::control
