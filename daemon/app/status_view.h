// The node as people see it: builds the objects of the local interface from the network map and
// from what the packet rooms know. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "daemon/netmap/netmap.h"
#include "daemon/path/path_engine.h"
#include "daemon/tunnel/tunnel.h"
#include "proto/local/notify.h"
#include "proto/local/status.h"
#include "proto/local/whois.h"

namespace aya::app {

// What is known of one peer besides the map.
struct PeerRuntime {
  bool in_engine = false;
  std::optional<path::PathStatus> path;
  std::optional<tunnel::PeerStats> stats;
  std::optional<WallTime> last_sent;
  bool expired = false;
};

struct StatusInputs {
  local::BackendState state = local::BackendState::NoState;
  const netmap::Netmap* map = nullptr;  // nullptr before the first map
  NodePublicKey self_key;               // zero: no key yet
  std::string host_name;                // as this machine is called
  std::string auth_url;
  std::vector<std::string> health;
  std::vector<std::string> own_endpoints;
  RegionId home = 0;
  std::optional<std::string> exit_node;  // the stable id of the one in use
  std::optional<local::HostRouting> routing;
  // Region codes by id; the map's relays.
  std::function<std::string(RegionId)> region_code;
  std::function<PeerRuntime(netmap::NodeId)> runtime;
  WallTime now{};
};

local::Status make_status(const StatusInputs& inputs, bool with_peers);

// The node that owns an overlay address or a key, itself included; nullptr: nobody.
const control::Node* find_node(const netmap::Netmap& map, const IpAddress& address);
const control::Node* find_node(const netmap::Netmap& map, const NodePublicKey& key);

// Where a node may be called at one of its addresses; nullopt: it offers nothing there.
std::optional<std::string> peer_api_url(const control::Node& node, const IpAddress& address);

local::Location local_location(const control::Location& at);

local::WhoIs make_whois(const netmap::Netmap& map, const control::Node& node);
local::RawJson make_net_map(const netmap::Netmap& map);  // as netmap.NetworkMap prints

// The first label of the DNS name, else the host name: what tables and pongs call a node.
std::string display_name(const control::Node& node);

}  // namespace aya::app
