#include "daemon/routing/occupied.h"

#include <algorithm>

namespace aya::routing {
namespace {

const Prefix kOverlayRange{IpAddress::v4(0x64400000), 10};

}  // namespace

std::vector<Prefix> occupied_prefixes(const Surroundings& around, std::size_t at_most) {
  std::vector<Prefix> all;
  const auto add = [&](const Prefix& prefix) {
    // Whoever claims all of it or more leaves nothing to choose from: that is no news to act on.
    const bool part =
        prefix.length > kOverlayRange.length && kOverlayRange.contains(prefix.address);
    if (part) all.push_back(prefix.masked());
  };
  for (const auto* networks : {&around.lans, &around.other_routes}) {
    for (const auto& network : *networks) add(network.prefix);
  }
  for (const auto* addresses : {&around.own, &around.gateways, &around.servers}) {
    for (const IpAddress& address : *addresses) add(Prefix::host(address));
  }
  std::ranges::stable_sort(all, {}, &Prefix::length);
  std::vector<Prefix> out;
  for (const Prefix& prefix : all) {
    if (out.size() == at_most) break;
    const bool known = std::ranges::any_of(
        out, [&](const Prefix& wider) { return wider.contains(prefix.address); });
    if (!known) out.push_back(prefix);
  }
  std::ranges::sort(out);
  return out;
}

}  // namespace aya::routing
