// Which routes a peer is seen with (interfaces 5.3, control 8.5). Private to the room.
#pragma once

#include "coord-server/policy/engine.h"

namespace aya::policy {

class RoutesSeen {
 public:
  explicit RoutesSeen(Engine& engine) : engine_(engine) {}

  std::vector<Prefix> of(NodeId viewer, NodeId peer);

 private:
  bool is_seen(const Device& viewer, const Device& peer, const Prefix& route);
  bool may_use(const Device& viewer, const Prefix& route, const Engine::RouteRules& rules) const;
  NodeId router_by_via(const Prefix& route, const std::vector<std::string>& tags) const;

  Engine& engine_;
};

}  // namespace aya::policy
