// Flow logs: what nodes of ours tell of the traffic they had, where the network's administrators
// want to know. An extension of ours; deployed programs never see any of it:
//
//   "FlowLogs": true          a member of Hostinfo: this node can count (others pass over it)
//   "ayatori/flow-logs"       a capability of the node itself: it shall count, from now on
//   POST /machine/flow-logs   a FlowReport. 200: taken. Deployed servers have no such path
//
// Windows follow one another, and each has a number: `first` is that of the first one in a report,
// within one `run` of the node's program. So a report that is sent again, because its answer was
// lost, is not taken twice.
//
// Values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proto/base/time.h"
#include "proto/control/hostinfo.h"
#include "proto/keys/public_key.h"
#include "proto/netaddr/endpoint.h"

namespace aya::control {

inline constexpr const char* kFlowLogsCapability = "ayatori/flow-logs";
inline constexpr const char* kFlowReportPath = "/machine/flow-logs";

// Packets with their IP headers; `sent` by the node that tells, `received` by it.
struct TrafficCount {
  std::uint64_t sent_packets = 0, sent_bytes = 0;
  std::uint64_t received_packets = 0, received_bytes = 0;

  bool empty() const { return sent_packets == 0 && received_packets == 0; }
  friend bool operator==(const TrafficCount&, const TrafficCount&) = default;
};

// Of one pair of ends. Without ends it is the sum of what nobody told apart.
struct FlowTraffic {
  std::uint8_t protocol = 0;  // of IP; 0: not told
  std::optional<Endpoint> source, destination;  // the node's own side first
  TrafficCount count;
  friend bool operator==(const FlowTraffic&, const FlowTraffic&) = default;
};

struct FlowWindow {
  std::optional<WallTime> start, end;
  std::vector<FlowTraffic> mesh;      // between addresses of the mesh
  std::vector<FlowTraffic> subnet;    // one side is behind a subnet router
  std::vector<FlowTraffic> internet;  // by an exit node: sums only
  // WireGuard packets: a peer's address in the mesh, port 0, and the endpoint or the relay (as
  // PathAddress::as_endpoint() has it) by which they went.
  std::vector<FlowTraffic> outer;

  std::size_t rows() const {
    return mesh.size() + subnet.size() + internet.size() + outer.size();
  }
  friend bool operator==(const FlowWindow&, const FlowWindow&) = default;
};

struct FlowReport {
  NodePublicKey node_key;
  std::string run;
  std::uint64_t first = 0;
  std::vector<FlowWindow> windows;  // in order
  friend bool operator==(const FlowReport&, const FlowReport&) = default;
};

bool counts_flows(const Hostinfo& hostinfo);
void set_counts_flows(Hostinfo& hostinfo, bool counts);

}  // namespace aya::control
