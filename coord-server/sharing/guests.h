// What a shared machine lets its guests do: reach itself, as far as the policy says, and the
// Internet through it where that was part of the invitation; nothing of what lies behind it. A
// packet filter can only allow, so guests are taken out of the sources of wider rules and get
// narrower ones of their own. Pure.
#pragma once

#include <vector>

#include "proto/control/map_response.h"
#include "proto/netaddr/prefix.h"

namespace aya::sharing {

struct Guest {
  std::vector<IpAddress> addresses;  // as the shared machine knows it
  bool may_exit = false;
  friend bool operator==(const Guest&, const Guest&) = default;
};

// `own`: the machine's addresses; `subnets`: what it routes besides the Internet.
control::FilterRules confine_guests(
    const control::FilterRules& rules, const std::vector<Guest>& guests,
    const std::vector<IpAddress>& own, const std::vector<Prefix>& subnets);

// What is left of a filter towards machines that may answer, but not speak first.
control::FilterRules silence(
    const control::FilterRules& rules, const std::vector<IpAddress>& silent);

}  // namespace aya::sharing
