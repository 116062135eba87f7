// Daemon's part about itself: what the coordinator is told of this node and of its host.

#include <sys/utsname.h>

#include "daemon/app/daemon.h"
#include "daemon/app/map_meaning.h"
#include "daemon/routing/occupied.h"
#include "proto/base/version.h"
#include "proto/control/flow_report.h"
#include "proto/control/occupied_prefixes.h"

namespace aya::app {

// What the coordinator should know; it is sent only where it differs from what was acknowledged.
void Daemon::tell_coord() {
  if (!coord_) return;
  coord::HostState host;
  utsname system{};
  uname(&system);
  host.hostinfo.ipn_version = std::string(kVersion) + "-ayatori";
  host.hostinfo.backend_log_id = log_id_;
  host.hostinfo.os = "linux";
  host.hostinfo.os_version = system.release;
  host.hostinfo.hostname = host_name();
  host.hostinfo.go_arch = std::string_view(system.machine) == "x86_64" ? "amd64" : system.machine;
  host.hostinfo.shields_up = prefs_.shields_up;
  host.hostinfo.routable_ips = prefs_.advertise_routes;
  host.hostinfo.request_tags = prefs_.advertise_tags;
  if (const control::Node* exit = exit_node_peer()) host.hostinfo.exit_node_id = exit->stable_id;
  host.hostinfo.userspace = false;
  const auto around = surroundings(
      host_->networks(), host_->dns().base, host_->dhcp_servers(), host_->route_abilities());
  control::set_occupied_prefixes(
      host.hostinfo, routing::occupied_prefixes(around, control::kOccupiedAtMost));
  control::set_counts_flows(host.hostinfo, true);
  host.forwarding_off = !ip_forwarding_problem().empty();
  host.disco_key = disco_key_.public_key();
  if (mesh_) {
    host.hostinfo.net_info = mesh_->net_info();
    host.hostinfo.services = mesh_->services();
    for (const auto& endpoint : mesh_->endpoints()) {
      host.endpoints.push_back(endpoint.at);
      host.endpoint_types.push_back(static_cast<control::EndpointType>(endpoint.type));
    }
  }
  coord_->set_host(host);
}

}  // namespace aya::app
