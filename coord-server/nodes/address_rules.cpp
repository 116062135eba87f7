#include "coord-server/nodes/address_rules.h"

#include <algorithm>
#include <array>

#include "proto/base/check.h"

namespace aya::nodes {
namespace {

Prefix prefix(std::string_view text) {
  auto parsed = Prefix::parse(text);
  AYA_CHECK(parsed.has_value());
  return *parsed;
}

const std::array kReservedV4 = {
    prefix("100.64.0.0/32"),       // the network itself
    prefix("100.100.0.0/24"),      // kept back by the hosted service
    prefix("100.100.100.0/24"),    // the same; 100.100.100.100 is every node's own resolver
    prefix("100.115.92.0/23"),     // inside ChromeOS; clients do not count it as overlay
    prefix("100.127.255.255/32"),  // the broadcast address
};

const std::array kReservedV6 = {
    prefix("fd7a:115c:a1e0::/128"),
    prefix("fd7a:115c:a1e0::53/128"),                    // every node's own resolver
    prefix("fd7a:115c:a1e0:ab12:4843:cd96:6200::/104"),  // image of the IPv4 range
    prefix("fd7a:115c:a1e0:b1a::/64"),                   // 4in6 site routes
    prefix("fd7a:115c:a1e0:efe3::/64"),                  // ephemeral IPv6-only nodes
};

// A public demonstration host elsewhere: surprising to meet, harmless to choose.
const IpAddress kDemoHost = *IpAddress::parse("100.101.102.103");

template <class Prefixes>
bool in_any(const Prefixes& prefixes, const IpAddress& address) {
  return std::ranges::any_of(prefixes, [&](const Prefix& p) { return p.contains(address); });
}

}  // namespace

const Prefix kOverlayV4 = prefix("100.64.0.0/10");
const Prefix kOverlayV6 = prefix("fd7a:115c:a1e0::/48");

AddressRule rule_for_v4(const IpAddress& address) {
  if (!address.is_v4() || !kOverlayV4.contains(address)) return AddressRule::OutsideRange;
  return in_any(kReservedV4, address) ? AddressRule::Reserved : AddressRule::Free;
}

bool may_allocate_v4(const IpAddress& address) {
  return rule_for_v4(address) == AddressRule::Free && address != kDemoHost;
}

bool may_allocate_v6(const IpAddress& address) {
  return address.is_v6() && kOverlayV6.contains(address) && !in_any(kReservedV6, address);
}

AddressRule rule_for(const IpAddress& address) {
  if (address.is_v4()) return rule_for_v4(address);
  if (!kOverlayV6.contains(address)) return AddressRule::OutsideRange;
  return may_allocate_v6(address) ? AddressRule::Free : AddressRule::Reserved;
}

std::vector<IpAddress> all_addresses(const store::NodeRecord& node) {
  std::vector<IpAddress> out;
  for (const IpAddress& own : {node.ipv4, node.ipv6}) {
    out.push_back(own);
    for (const store::FormerAddress& former : node.former) {
      if (former.address.is_v4() == own.is_v4()) out.push_back(former.address);
    }
  }
  return out;
}

std::optional<IpAddress> parse_canonical_v4(std::string_view text) {
  auto address = IpAddress::parse(text);
  if (!address || !address->is_v4() || address->to_text() != text) return std::nullopt;
  return address;
}

}  // namespace aya::nodes
