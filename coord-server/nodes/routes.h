// Routes of nodes: which of those it offers count (control 8.5, 9.7). Which of several routers for
// one prefix is used an election says. Pure.
#pragma once

#include "coord-server/nodes/election.h"

namespace aya::nodes {

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

using Router = Candidate<Prefix>;  // by the subnets it offers
using Primaries = std::map<Prefix, NodeId>;

}  // namespace aya::nodes
