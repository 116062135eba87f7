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

Primaries elect_primaries(const std::vector<Router>& routers, const Primaries& in_use) {
  struct Candidates {
    std::optional<NodeId> any, present;  // of lowest number
    bool holder_offers = false, holder_present = false;
  };
  std::map<Prefix, Candidates> by_prefix;
  for (const Router& router : routers) {
    for (const Prefix& subnet : router.subnets) {
      Candidates& candidates = by_prefix[subnet];
      const auto lower = [&](std::optional<NodeId>& slot) {
        if (!slot || router.id < *slot) slot = router.id;
      };
      lower(candidates.any);
      if (router.present) lower(candidates.present);
      if (const auto held = in_use.find(subnet);
          held != in_use.end() && held->second == router.id) {
        candidates.holder_offers = true;
        candidates.holder_present = router.present;
      }
    }
  }
  Primaries out;
  for (const auto& [subnet, candidates] : by_prefix) {
    const bool stays =
        candidates.holder_present || (candidates.holder_offers && !candidates.present);
    out[subnet] = stays ? in_use.at(subnet) : candidates.present.value_or(*candidates.any);
  }
  return out;
}

}  // namespace aya::nodes
