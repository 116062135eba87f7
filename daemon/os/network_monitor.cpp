#include "daemon/os/network_monitor.h"

#include <algorithm>

namespace aya::os {
namespace {

// What paths depend on: interfaces that could carry one, with what they can be reached by.
std::vector<Interface> carriers(const NetworkSnapshot& snapshot) {
  std::vector<Interface> out;
  for (const Interface& one : snapshot.interfaces) {
    if (one.loopback || one.is_container_plumbing() || !one.up) continue;
    Interface kept = one;
    kept.mtu = 0;  // no path breaks by it alone
    out.push_back(std::move(kept));
  }
  return out;
}

}  // namespace

std::optional<NetworkChange> compare(const NetworkSnapshot& before, const NetworkSnapshot& after) {
  NetworkChange change;
  change.addresses = carriers(before) != carriers(after);
  change.default_route = before.default4 != after.default4 || before.default6 != after.default6;
  change.routes = before.routes != after.routes;
  if (!change.affects_paths() && !change.routes) return std::nullopt;
  return change;
}

}  // namespace aya::os
