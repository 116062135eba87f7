// The address texts of filter rules: "100.64.0.2", "100.64.0.0/10", "100.64.0.2-100.64.0.9", "*"
// and, for sources, "cap:<name>" (control 6.7).
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "proto/base/result.h"
#include "proto/netaddr/prefix.h"

namespace aya::filter {

struct NodesWithCapability {
  std::string capability;
};
using AddressSet = std::variant<std::vector<Prefix>, NodesWithCapability>;

// The error says what is wrong with the text, for a person.
Result<AddressSet, std::string> parse_address_set(std::string_view text);

// The fewest prefixes that cover exactly the addresses from `first` to `last`. Both of one family,
// first <= last.
std::vector<Prefix> cover_range(const IpAddress& first, const IpAddress& last);

}  // namespace aya::filter
