#include "coord-server/policy/routes_seen.h"

#include <algorithm>

namespace aya::policy {
namespace {

bool carries(const Device& device, const Prefix& route) {
  return std::ranges::count(device.carried, route) > 0;
}

}  // namespace

const Engine::RouteRules& Engine::rules_for(const Prefix& route) {
  const auto [at, is_new] = route_rules_.try_emplace(route);
  RouteRules& out = at->second;
  if (!is_new) return out;
  out = {RuleMask(rules_.size()), RuleMask(rules_.size()), RuleMask(rules_.size())};
  const bool is_default = route.length == 0;
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const Rule& rule = rules_[i];
    const bool leads_there = is_default ? rule.to_internet : rule.literal_dst.overlaps(route);
    if (rule.has_via()) {
      if (leads_there) out.via.set(i);
      continue;
    }
    if (leads_there || rule.to_all) out.to.set(i);
    if (!is_default && (rule.from_all || rule.literal_src.overlaps(route))) out.from.set(i);
  }
  return out;
}

// By the ordinary rules: to the network, from it, or as one of several routers for it.
bool RoutesSeen::may_use(
    const Device& viewer, const Prefix& route, const Engine::RouteRules& rules) const {
  const Standing& standing = *engine_.standing(viewer.id);
  return standing.src.meets(rules.to) || standing.dst.meets(rules.from) ||
         (route.length != 0 && std::ranges::count(viewer.routes, route) > 0);
}

// Of the routers with one of these tags: the one that is used by all, or else the first that is
// there.
NodeId RoutesSeen::router_by_via(const Prefix& route, const std::vector<std::string>& tags) const {
  NodeId any{}, present{};
  const auto routers = engine_.routers_.find(route);
  if (routers == engine_.routers_.end()) return any;
  for (const NodeId id : routers->second) {
    const Device& router = engine_.devices_.at(id);
    if (!carries_a_tag_of(router, tags)) continue;
    if (carries(router, route)) return id;
    if (any == NodeId{}) any = id;
    if (router.present && present == NodeId{}) present = id;
  }
  return present != NodeId{} ? present : any;
}

bool RoutesSeen::is_seen(const Device& viewer, const Device& peer, const Prefix& route) {
  const Engine::RouteRules& rules = engine_.rules_for(route);
  const bool is_default = route.length == 0;
  if (may_use(viewer, route, rules)) return is_default || carries(peer, route);
  const Standing& standing = *engine_.standing(viewer.id);
  for (std::size_t i = 0; i < engine_.rules_.size(); ++i) {
    if (!rules.via.test(i) || !standing.src.test(i)) continue;
    const auto& tags = engine_.rules_[i].written->via;
    const bool chosen =
        is_default ? carries_a_tag_of(peer, tags) : router_by_via(route, tags) == peer.id;
    if (chosen) return true;
  }
  return false;
}

std::vector<Prefix> RoutesSeen::of(NodeId viewer, NodeId peer) {
  std::vector<Prefix> out;
  const Device *from = engine_.device(viewer), *to = engine_.device(peer);
  if (from == nullptr || to == nullptr) return out;
  for (const Prefix& route : to->routes) {
    if (is_seen(*from, *to, route)) out.push_back(route);
  }
  for (const std::string& name : to->carries) {
    const Device* service = engine_.service(name);
    // Who answers for it itself needs no way to others.
    if (service == nullptr || std::ranges::count(from->hosted, name) > 0) continue;
    if (!engine_.may_use_service(viewer, name)) continue;
    for (const IpAddress& address : service->addresses()) out.push_back(Prefix::host(address));
  }
  return out;
}

}  // namespace aya::policy
