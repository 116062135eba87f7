// POST /api/v2/device/{id}/ip: a machine's address, changed live (interfaces 1.5). The checks are
// in the order of that section's table; the first that fails answers.
#include "coord-server/nodes/address_rules.h"
#include "coord-server/resources/handlers.h"
#include "coord-server/api/json.h"
#include "proto/http/target.h"

namespace aya::resources {
namespace {

Answer<IpAddress> wanted_address(const http::Request& request) {
  auto body = body_object(request);
  if (!body) return body.error();
  if (!body->contains("ipv4")) return ApiError::bad_request("ipv4: want a string");
  auto text = text_field(*body, "ipv4");
  if (!text) return text.error();
  const auto address = nodes::parse_canonical_v4(*text);
  if (!address) return ApiError::bad_request(in_quotes(*text) + ": invalid IPv4 address");
  switch (nodes::rule_for_v4(*address)) {
    case nodes::AddressRule::OutsideRange:
      return ApiError::bad_request(
          in_quotes(*text) + ": not within the account range " + nodes::kOverlayV4.to_text());
    case nodes::AddressRule::Reserved:
      return ApiError::bad_request(in_quotes(*text) + ": address within reserved range");
    case nodes::AddressRule::Free:
      break;
  }
  return *address;
}

Answer<void> check_free(const AdminContext& c, const nodes::Node& node, const IpAddress& wanted) {
  if (const nodes::Node* holder = c.registry.find_address(node.account(), wanted)) {
    return ApiError::conflict(
        wanted.to_text() + " is already assigned to " + in_quotes(holder->record.label));
  }
  const auto former = c.registry.quarantined_for(node.account(), wanted, c.now);
  const bool forced = http::query_value(c.request.query(), "force") == "true";
  if (former && *former != node.id() && !forced) {
    return ApiError::conflict(
        wanted.to_text() +
        " belonged to another device less than 24 hours ago; add "
        "?force=true to take it anyway");
  }
  return {};
}

store::AuditEntry entry_for(
    const AdminContext& c, const nodes::Node& node, const IpAddress& wanted) {
  store::AuditEntry entry = c.audit("UPDATE", "NODE");
  entry.account = node.account();
  entry.target_id = node.record.stable_id;
  entry.target_name = c.registry.full_name(node);
  entry.property = "ADDRESS";
  entry.old_value = text_of(Json::array({node.record.ipv4.to_text()}));
  entry.new_value = text_of(Json::array({wanted.to_text()}));
  return entry;
}

}  // namespace

Answer<http::Response> set_device_address(const AdminContext& c) {
  auto node = c.device(c.path[0]);
  if (!node) return node.error();
  auto wanted = wanted_address(c.request);
  if (!wanted) return wanted.error();
  if (*wanted == (*node)->record.ipv4) return http::Response::json(200, "{}");
  if (auto free = check_free(c, **node, *wanted); !free) return free.error();
  auto moved = c.registry.move_ipv4((*node)->id(), *wanted, c.now, entry_for(c, **node, *wanted));
  if (moved) return http::Response::json(200, "{}");
  if (moved.error().kind == store::StoreError::Kind::Taken) {
    return ApiError::conflict(wanted->to_text() + " is already assigned");
  }
  return ApiError::of(moved.error());
}

}  // namespace aya::resources
