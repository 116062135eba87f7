// Routes of nodes: which of those it offers count, and which of several routers for one prefix is
// used (control 8.5, 9.7). Pure.
#pragma once

#include <map>

#include "coord-server/store/records.h"

namespace aya::nodes {

using store::NodeId;
using store::NodeRecord;

// 0.0.0.0/0 and ::/0: not a network behind the node but everything else there is.
bool is_default_route(const Prefix& route);

// Offered and approved, sorted. A default route of one family alone makes no exit node and does not
// count (T-26); neither does any route of a node that waits for approval itself.
std::vector<Prefix> effective_routes(const NodeRecord& node);
// The same without default routes: networks behind the node.
std::vector<Prefix> effective_subnets(const NodeRecord& node);
bool is_exit_node(const NodeRecord& node);

// What goes through this node now, as others are told: the subnets it was elected for, and both
// default routes of an exit node (a viewer chooses its exit node by itself). Sorted.
std::vector<Prefix> carried_routes(const NodeRecord& node);

struct Router {
  NodeId id;
  std::vector<Prefix> subnets;
  bool present = false;  // connected, or gone so shortly that it is not worth moving traffic
};
using Primaries = std::map<Prefix, NodeId>;

// The router to use for each prefix. The one in use stays while it is present; otherwise the first
// present one takes over and keeps it. While none is present nothing moves.
Primaries elect_primaries(const std::vector<Router>& routers, const Primaries& in_use);

}  // namespace aya::nodes
