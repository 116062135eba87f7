#include "coord-server/resources/routes_field.h"

#include <set>

#include "coord-server/nodes/address_rules.h"
#include "coord-server/nodes/routes.h"

namespace aya::resources {

using namespace api;

namespace {

// Where clients address hosts behind sites with the same IPv4 network: the one part of the overlay
// that is routed to (control 11.1).
const Prefix kVia = *Prefix::parse("fd7a:115c:a1e0:b1a::/64");

bool is_via(const Prefix& route) {
  return route.length >= kVia.length && kVia.contains(route.address);
}

Answer<Prefix> route_from(const std::string& text) {
  const auto route = Prefix::parse(text);
  if (!route) return ApiError::bad_request(in_quotes(text) + " is not a valid CIDR prefix");
  if (!route->is_canonical()) {
    return ApiError::bad_request(
        text + " has non-address bits set; expected " + route->masked().to_text());
  }
  if (nodes::is_default_route(*route) || is_via(*route)) return *route;
  for (const Prefix& own : {nodes::kOverlayV4, nodes::kOverlayV6}) {
    if (!own.overlaps(*route)) continue;
    return ApiError::bad_request(text + " overlaps the account range " + own.to_text());
  }
  return *route;
}

}  // namespace

Answer<std::vector<Prefix>> routes_field(const Json& body) {
  auto texts = texts_field(body, "routes");
  if (!texts) return texts.error();
  std::set<Prefix> out;
  for (const std::string& text : *texts) {
    auto route = route_from(text);
    if (!route) return route.error();
    out.insert(*route);
    if (!nodes::is_default_route(*route)) continue;
    for (const char* family : {"0.0.0.0/0", "::/0"}) out.insert(*Prefix::parse(family));
  }
  return std::vector<Prefix>(out.begin(), out.end());
}

}  // namespace aya::resources
