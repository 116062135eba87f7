#include "daemon/os/routes.h"

#include <algorithm>

namespace aya::os {
namespace {

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

// The addresses routes prefer as their source: the first of each family.
std::vector<Prefix> preferred(const std::vector<Prefix>& addresses) {
  std::vector<Prefix> out;
  for (const bool v4 : {true, false}) {
    const auto found = std::ranges::find_if(
        addresses, [v4](const Prefix& prefix) { return prefix.address.is_v4() == v4; });
    if (found != addresses.end()) out.push_back(*found);
  }
  return out;
}

}  // namespace

bool RouteChange::empty() const {
  return add_addresses.empty() && add_routes.empty() && add_throws.empty() &&
         remove_routes.empty() && remove_throws.empty() && remove_addresses.empty();
}

RouteChange difference(const RouteConfig& have, const RouteConfig& want) {
  RouteChange out;
  out.add_addresses = minus(want.addresses, have.addresses);
  out.remove_addresses = minus(have.addresses, want.addresses);
  out.add_throws = minus(want.throws, have.throws);
  out.remove_throws = minus(have.throws, want.throws);
  out.remove_routes = minus(have.routes, want.routes);
  // A route names its preferred source: when that changes, all routes of the family are written
  // anew (replacing, not removing) before the old address goes.
  const auto changed = minus(preferred(want.addresses), preferred(have.addresses));
  const auto affected = [&](const Prefix& route) {
    return std::ranges::any_of(changed, [&](const Prefix& source) {
      return source.address.is_v4() == route.address.is_v4();
    });
  };
  const auto fresh = minus(want.routes, have.routes);
  for (const Prefix& route : want.routes) {
    if (affected(route) || std::ranges::find(fresh, route) != fresh.end()) {
      out.add_routes.push_back(route);
    }
  }
  return out;
}

}  // namespace aya::os
