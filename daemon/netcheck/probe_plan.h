// Which STUN servers a check asks, and when (nat-traversal 5.2).
#pragma once

#include <string>
#include <vector>

#include "daemon/netcheck/relay_map.h"
#include "daemon/netcheck/report.h"

namespace aya::netcheck {

struct HostNetwork;

inline constexpr unsigned kIncrementalRegions = 3;
inline constexpr Duration kRetryWhenUnknown = 200ms;
inline constexpr Duration kFullRetry = 100ms;
inline constexpr unsigned kFullTries = 3;

// Where a node's STUN server is, in one family.
struct StunTarget {
  std::optional<IpAddress> address;  // nullopt: resolve `host`
  std::string host;
  std::uint16_t port = 0;
};

struct PlannedTry {
  Duration after{};  // since the start of the check
  StunTarget target;
};

// The tries for one region in one family; the first answer ends the set.
struct ProbeSet {
  RegionId region = 0;
  bool ipv6 = false;
  std::vector<PlannedTry> tries;
};

// nullopt: the node has no STUN server in that family.
std::optional<StunTarget> stun_target(const RelayNode& node, bool ipv6);

// Every region that may be measured, three tries per family.
std::vector<ProbeSet> plan_full(const RelayMap& map, const HostNetwork& host);

// The nearest few of the last report, and home with the most tries.
std::vector<ProbeSet> plan_incremental(
    const RelayMap& map, const HostNetwork& host, const Report& last, RegionId home);

}  // namespace aya::netcheck
