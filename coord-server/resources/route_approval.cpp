// /api/v2/device/{id}/routes: which routes a node offers, and which it may carry (interfaces 1.4,
// control 9.7). A route may be approved before it is offered.
#include <algorithm>

#include "coord-server/nodes/address_rules.h"
#include "coord-server/resources/handlers.h"
#include "coord-server/resources/device_json.h"

namespace aya::resources {
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

// As given, each once; a default route of one family implies the other.
Answer<std::vector<Prefix>> wanted_routes(const http::Request& request) {
  auto body = body_object(request);
  if (!body) return body.error();
  if (!body->contains("routes")) return ApiError::bad_request("routes: want a list of strings");
  auto texts = texts_field(*body, "routes");
  if (!texts) return texts.error();
  std::vector<Prefix> out;
  const auto add = [&](const Prefix& route) {
    if (std::ranges::find(out, route) == out.end()) out.push_back(route);
  };
  for (const std::string& text : *texts) {
    auto route = route_from(text);
    if (!route) return route.error();
    add(*route);
    if (!nodes::is_default_route(*route)) continue;
    for (const char* family : {"0.0.0.0/0", "::/0"}) add(*Prefix::parse(family));
  }
  return out;
}

http::Response routes_response(const nodes::Node& node) {
  return http::Response::json(
      200, text_of(
               {{"advertisedRoutes", routes_json(node.record.live.hostinfo.routable_ips)},
                {"enabledRoutes", routes_json(node.record.approved_routes)}}));
}

}  // namespace

Answer<http::Response> get_device_routes(const AdminContext& c) {
  auto node = c.device(c.path[0]);
  if (!node) return node.error();
  return routes_response(**node);
}

Answer<http::Response> set_device_routes(const AdminContext& c) {
  auto found = c.device(c.path[0]);
  if (!found) return found.error();
  const nodes::Node& node = **found;
  auto wanted = wanted_routes(c.request);
  if (!wanted) return wanted.error();
  if (*wanted == node.record.approved_routes) return routes_response(node);
  store::AuditEntry entry = c.audit("UPDATE", "NODE");
  entry.account = node.account();
  entry.target_id = node.record.stable_id;
  entry.target_name = c.registry.full_name(node);
  entry.property = "ALLOWED_IPS";
  entry.old_value = text_of(routes_json(node.record.approved_routes));
  entry.new_value = text_of(routes_json(*wanted));
  nodes::NodeRecord changed = node.record;
  changed.approved_routes = std::move(*wanted);
  if (auto stored = c.registry.update(changed, {}, entry); !stored) {
    return ApiError::of(stored.error());
  }
  return routes_response(node);
}

}  // namespace aya::resources
