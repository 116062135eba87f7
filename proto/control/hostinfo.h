// What a node says about itself (control 6.11, 6.12).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proto/control/json_text.h"
#include "proto/netaddr/prefix.h"
#include "proto/packet/path_address.h"

namespace aya::control {

// The state of the node's network. Optional bools are three-valued: nullopt is "not known".
struct NetInfo {
  std::optional<bool> mapping_varies_by_dest_ip;
  std::optional<bool> working_ipv6, os_has_ipv6, working_udp, working_icmp_v4;
  std::optional<bool> upnp, pmp, pcp;
  bool have_port_map = false;
  RegionId preferred_derp = 0;  // the home relay; becomes Node::home_derp
  std::string link_type;
  std::map<std::string, double> derp_latency;  // "<region>-v4" or "-v6" to seconds
  std::string firewall_mode;
  friend bool operator==(const NetInfo&, const NetInfo&) = default;
};

struct Service {  // "peerapi4", "peerapi6", "peerapi-dns-proxy", "tcp", "udp"
  std::string proto;
  std::uint16_t port = 0;
  std::string description;
  friend bool operator==(const Service&, const Service&) = default;
};

// Where a node says it is; a member of Hostinfo that only exit nodes for hire fill in.
struct Location {
  std::string country, country_code, city, city_code;
  double latitude = 0, longitude = 0;
  std::int64_t priority = 0;  // among those of one place, the higher one first
  friend bool operator==(const Location&, const Location&) = default;
};

// The members somebody here reads or owns are fields; all others wait in `others` and are written
// again unchanged, so a server may alter a field and forward the rest.
struct Hostinfo {
  std::string ipn_version;
  std::string backend_log_id;  // deployed servers expect one: opaque, 64 hex digits
  std::string os, os_version;
  std::string hostname;  // as the machine has it; the server derives the DNS label
  std::string distro, distro_version, distro_code_name;
  std::string device_model, go_arch;
  std::optional<bool> container, userspace, userspace_router, app_connector;
  bool shields_up = false;
  bool sharee_node = false;  // set by the server on peers that exist only because of a share
  std::vector<Prefix> routable_ips;  // offered routes, sorted; the /0 pair offers an exit
  std::vector<std::string> request_tags;
  std::vector<Service> services;
  std::optional<NetInfo> net_info;  // absent: unknown yet, keep what was known
  std::vector<std::string> ssh_host_keys;
  std::string exit_node_id;               // StableID of the exit node in use
  std::string services_hash;              // another one: it offers other services than before
  std::map<std::string, RawJson> others;  // members without a field, under their names as read

  std::optional<Location> location() const;  // from `others`, where it stays as it came
  friend bool operator==(const Hostinfo&, const Hostinfo&) = default;
};

}  // namespace aya::control
