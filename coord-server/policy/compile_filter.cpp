#include "coord-server/policy/compile_filter.h"

#include "coord-server/nodes/address_rules.h"
#include "coord-server/nodes/routes.h"

namespace aya::policy {
namespace {

// What "*" as a source means, besides approved subnets: the whole overlay but for the hole that
// clients do not count as overlay. A literal "*" would admit strangers on a subnet router's own
// network.
const std::vector<std::string> kEveryNode = {
    "100.64.0.0-100.115.91.255", "100.115.94.0-100.127.255.255", "fd7a:115c:a1e0::/48"};

// What an exit node leads to: the internet, without anything private. Its own networks are routes
// like any other, approved one by one (interfaces 5.2, autogroup:internet).
const std::vector<std::string> kInternet = {
    "0.0.0.0-9.255.255.255",       "11.0.0.0-100.63.255.255",
    "100.128.0.0-126.255.255.255", "128.0.0.0-169.253.255.255",
    "169.255.0.0-172.15.255.255",  "172.32.0.0-192.167.255.255",
    "192.169.0.0-223.255.255.255", "2000::/3"};

}  // namespace

control::FilterRules compile_filter(
    const Policy&, const nodes::Node& destination, const std::vector<Prefix>& subnets) {
  if (!destination.record.authorized) return {};
  control::FilterRule everyone;
  everyone.src_ips = kEveryNode;
  for (const Prefix& subnet : subnets) {
    if (!nodes::kOverlayV6.overlaps(subnet)) everyone.src_ips.push_back(subnet.to_text());
  }
  // The node itself, by whatever address it has now, and what it was allowed to route.
  std::vector<std::string> destinations = kEveryNode;
  for (const Prefix& subnet : nodes::effective_subnets(destination.record)) {
    destinations.push_back(subnet.to_text());
  }
  if (nodes::is_exit_node(destination.record)) {
    destinations.insert(destinations.end(), kInternet.begin(), kInternet.end());
  }
  for (std::string& ip : destinations) {
    everyone.dst_ports.push_back(
        {.ip = std::move(ip), .bits = {}, .ports = {.first = 0, .last = 65535}});
  }
  return {everyone};
}

}  // namespace aya::policy
