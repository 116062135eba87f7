#include "coord-server/policy/compile_filter.h"

#include "coord-server/nodes/address_rules.h"

namespace aya::policy {
namespace {

// What "*" as a source means, besides approved subnets: the whole overlay but for the hole that
// clients do not count as overlay. A literal "*" would admit strangers on a subnet router's own
// network.
const std::vector<std::string> kEveryNode = {
    "100.64.0.0-100.115.91.255", "100.115.94.0-100.127.255.255", "fd7a:115c:a1e0::/48"};

}  // namespace

control::FilterRules compile_filter(
    const Policy&, const nodes::Node& destination, const std::vector<Prefix>& subnets) {
  if (!destination.record.authorized) return {};
  control::FilterRule everyone;
  everyone.src_ips = kEveryNode;
  for (const Prefix& subnet : subnets) {
    if (!nodes::kOverlayV6.overlaps(subnet)) everyone.src_ips.push_back(subnet.to_text());
  }
  // Everything: exit nodes pass on what goes anywhere.
  everyone.dst_ports = {{.ip = "*", .bits = {}, .ports = {.first = 0, .last = 65535}}};
  return {everyone};
}

}  // namespace aya::policy
