#include "coord-server/nodes/routes.h"

#include <algorithm>

namespace aya::nodes {
namespace {

bool offers(const NodeRecord& node, const Prefix& route) {
  return std::ranges::find(node.live.hostinfo.routable_ips, route) !=
         node.live.hostinfo.routable_ips.end();
}

}  // namespace

bool is_default_route(const Prefix& route) { return route.length == 0; }

std::vector<Prefix> effective_routes(const NodeRecord& node) {
  std::vector<Prefix> out;
  if (!node.authorized) return out;
  for (const Prefix& route : node.approved_routes) {
    if (offers(node, route)) out.push_back(route);
  }
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  if (std::ranges::count_if(out, is_default_route) == 1) std::erase_if(out, is_default_route);
  return out;
}

std::vector<Prefix> effective_subnets(const NodeRecord& node) {
  auto out = effective_routes(node);
  std::erase_if(out, is_default_route);
  return out;
}

bool is_exit_node(const NodeRecord& node) {
  return std::ranges::any_of(effective_routes(node), is_default_route);
}

std::vector<Prefix> carried_routes(const NodeRecord& node) {
  auto out = effective_routes(node);
  const auto& primary = node.live.primary_routes;
  std::erase_if(out, [&](const Prefix& route) {
    return !is_default_route(route) && std::ranges::find(primary, route) == primary.end();
  });
  return out;
}

}  // namespace aya::nodes
