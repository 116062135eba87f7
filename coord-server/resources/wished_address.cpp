#include "coord-server/resources/wished_address.h"

#include "coord-server/nodes/address_plan.h"
#include "coord-server/nodes/address_rules.h"
#include "proto/http/target.h"

namespace aya::resources {

using namespace api;

Answer<nodes::PlanOptions> plan_options(const AdminContext& c, store::AccountId account) {
  nodes::PlanOptions options;
  options.now = c.now;
  options.force = http::query_value(c.request.query(), "force") == "true";
  auto reserved = c.storage.reservations(account, c.now);
  if (!reserved) return ApiError::of(reserved.error());
  options.reservations = std::move(*reserved);
  return options;
}

Answer<std::optional<IpAddress>> wished_address(
    const AdminContext& c, const Json& body, store::AccountId account) {
  auto text = text_field(body, "ipv4");
  if (!text) return text.error();
  if (text->empty()) return std::optional<IpAddress>();
  const auto address = nodes::parse_canonical_v4(*text);
  if (!address) return ApiError::bad_request(in_quotes(*text) + ": invalid IPv4 address");
  const auto options = plan_options(c, account);
  if (!options) return options.error();
  if (auto no = nodes::refuse_reservation(c.registry, account, *address, *options)) {
    return ApiError{no->is_taken ? 409 : 400, std::move(no->text)};
  }
  return std::optional(*address);
}

}  // namespace aya::resources
