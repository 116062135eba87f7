// Which overlay addresses may belong to a node (control 11.1, interfaces 1.5).
//
// Nodes live in 100.64.0.0/10 and fd7a:115c:a1e0::/48. Parts of both mean something else to every
// client and are reserved; an address outside of both would be taken for a subnet route.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "coord-server/store/records.h"

namespace aya::nodes {

extern const Prefix kOverlayV4;  // 100.64.0.0/10
extern const Prefix kOverlayV6;  // fd7a:115c:a1e0::/48

enum class AddressRule { Free, OutsideRange, Reserved };

// May a person give this IPv4 address to a node?
AddressRule rule_for_v4(const IpAddress& address);

// May the server hand it out by itself? One address that people may ask for is left out.
bool may_allocate_v4(const IpAddress& address);
bool may_allocate_v6(const IpAddress& address);
// Of either family, asked for by a person.
AddressRule rule_for(const IpAddress& address);

// Where a node answers: its IPv4 address and former ones, then the same for IPv6. Clients take the
// first of a family for its own.
std::vector<IpAddress> all_addresses(const store::NodeRecord& node);

// Four decimal octets and nothing else: no leading zeros, no mask, no IPv6 spelling, no spaces.
std::optional<IpAddress> parse_canonical_v4(std::string_view text);

}  // namespace aya::nodes
