#include "daemon/os/routes.h"

#include <algorithm>
#include <map>

namespace aya::os {
namespace {

using Table = std::map<Prefix, RouteKind>;

// The routes of a config by prefix: kinds are tried in the order in which they win.
Table table_of(const RouteConfig& config) {
  Table out;
  const auto add = [&](const std::vector<Prefix>& prefixes, RouteKind kind) {
    for (const Prefix& prefix : prefixes) out.try_emplace(prefix.masked(), kind);
  };
  add(config.throws, RouteKind::Throw);
  add(config.unreachable, RouteKind::Unreachable);
  add(config.routes, RouteKind::Tunnel);
  return out;
}

// What is in `of` and not in `without`, in the order of `of`.
std::vector<Prefix> minus(const std::vector<Prefix>& of, const std::vector<Prefix>& without) {
  std::vector<Prefix> sorted = without;
  std::ranges::sort(sorted);
  std::vector<Prefix> out;
  for (const Prefix& prefix : of) {
    if (!std::ranges::binary_search(sorted, prefix)) out.push_back(prefix);
  }
  return out;
}

// The address that routes of a family prefer as their source: the first.
std::optional<Prefix> preferred(const std::vector<Prefix>& addresses, bool v4) {
  const auto found = std::ranges::find_if(
      addresses, [v4](const Prefix& prefix) { return prefix.address.is_v4() == v4; });
  if (found == addresses.end()) return std::nullopt;
  return *found;
}

}  // namespace

RouteConfig feasible(const RouteConfig& wanted, const RouteAbilities& abilities) {
  RouteConfig out;
  for (const Prefix& address : wanted.addresses) {
    if (address.address.is_v4() || abilities.ipv6) out.addresses.push_back(address);
  }
  for (auto [prefix, kind] : table_of(wanted)) {
    if (kind == RouteKind::Tunnel && prefix.address.is_v6() && !abilities.ipv6) {
      if (prefix.length != 0) continue;
      kind = RouteKind::Unreachable;
    }
    if (!abilities.policy_routing && (kind != RouteKind::Tunnel || prefix.length == 0)) continue;
    auto& list = kind == RouteKind::Throw    ? out.throws
                 : kind == RouteKind::Tunnel ? out.routes
                                             : out.unreachable;
    list.push_back(prefix);
  }
  return out;
}

bool RouteChange::empty() const {
  return add_addresses.empty() && put.empty() && remove.empty() && remove_addresses.empty();
}

RouteChange difference(const RouteConfig& have, const RouteConfig& want) {
  RouteChange out;
  out.add_addresses = minus(want.addresses, have.addresses);
  out.remove_addresses = minus(have.addresses, want.addresses);

  const Table before = table_of(have);
  const Table after = table_of(want);
  for (const auto& [prefix, kind] : after) {
    const auto was = before.find(prefix);
    // A route names its preferred source: when that changes, all routes of the family are written
    // anew before the old address goes.
    const bool v4 = prefix.address.is_v4();
    const bool resourced =
        kind == RouteKind::Tunnel && preferred(want.addresses, v4) != preferred(have.addresses, v4);
    if (was == before.end() || was->second != kind || resourced) out.put.push_back({prefix, kind});
  }
  for (const auto& [prefix, kind] : before) {
    if (!after.contains(prefix)) out.remove.push_back({prefix, kind});
  }
  // What is to stay with the host comes before the route that would take it, and goes after it.
  std::ranges::stable_sort(out.put, {}, &TableRoute::kind);
  std::ranges::stable_sort(out.remove, std::greater{}, &TableRoute::kind);
  return out;
}

}  // namespace aya::os
