// The outcome of one network check: what the host's network lets through (nat-traversal 5.3). The
// field names are those people know from `netcheck --format json` (interfaces 3.9).
#pragma once

#include <map>
#include <optional>

#include "proto/base/time.h"
#include "proto/packet/path_address.h"

namespace aya::netcheck {

struct Report {
  TimePoint at{};  // when it was finished
  bool udp = false;
  bool ipv4 = false, ipv6 = false;                    // a STUN answer came in that family
  bool ipv4_can_send = false, ipv6_can_send = false;  // the send call succeeded
  bool os_has_ipv6 = false;
  std::optional<bool> mapping_varies_by_dest_ip;  // unset until two IPv4 answers
  std::optional<bool> upnp, pmp, pcp;             // unset: not tested
  std::optional<bool> captive_portal;
  RegionId preferred_relay = 0;  // home; 0: nothing could be measured
  std::map<RegionId, Duration> region_latency, region_v4_latency, region_v6_latency;
  std::optional<Endpoint> global_v4, global_v6;
  // Every public endpoint seen, and by how many servers.
  std::map<Endpoint, unsigned> global_v4_seen, global_v6_seen;
};

// True when something a peer or control would act on differs; latencies alone do not.
bool differs_in_substance(const Report& a, const Report& b);

}  // namespace aya::netcheck
