// /api/v2/device/{id}/routes: which routes a node offers, and which it may carry (interfaces 1.4,
// control 9.7). A route may be approved before it is offered.
#include "coord-server/resources/device_json.h"
#include "coord-server/resources/handlers.h"
#include "coord-server/resources/routes_field.h"

namespace aya::resources {
namespace {

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
  auto body = body_object(c.request);
  if (!body) return body.error();
  if (!body->contains("routes")) return ApiError::bad_request("routes: want a list of strings");
  auto wanted = routes_field(*body);
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
