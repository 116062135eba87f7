#include "proto/local/route_map.h"

namespace aya::local {

std::string RouteMap::to_text() const { return offered.to_text() + "=" + real.to_text(); }

Result<RouteMap, std::string> parse_route_map(std::string_view text) {
  const std::size_t sign = text.find('=');
  const auto problem = [text](const char* what) { return std::string(text) + ": " + what; };
  if (sign == std::string_view::npos) return problem("OFFERED=REAL is wanted, two networks");
  const auto offered = Prefix::parse(text.substr(0, sign));
  const auto real = Prefix::parse(text.substr(sign + 1));
  if (!offered || !real) return problem("both sides of '=' are networks like 10.99.1.0/24");
  if (!offered->address.is_v4() || !real->address.is_v4()) {
    return problem("only IPv4 networks are offered under other addresses");
  }
  if (!offered->is_canonical() || !real->is_canonical()) {
    return problem("a network has address bits set after its length");
  }
  if (offered->length != real->length) return problem("the two networks differ in size");
  if (offered->length == 0) return problem("the whole Internet has no other addresses");
  return RouteMap{*offered, *real};
}

std::optional<std::string> contradiction(const std::vector<RouteMap>& maps) {
  for (std::size_t i = 0; i < maps.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const bool offered = maps[i].offered.overlaps(maps[j].offered);
      if (!offered && !maps[i].real.overlaps(maps[j].real)) continue;
      return maps[j].to_text() + " and " + maps[i].to_text() + " overlap";
    }
  }
  return std::nullopt;
}

}  // namespace aya::local
