// The network report as `netcheck` prints it (interfaces 3.9) and GET netcheck answers it.
// Latencies are keyed by relay region; an absent tri-state means "could not tell".
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "proto/base/parse_error.h"
#include "proto/base/result.h"
#include "proto/base/time.h"
#include "proto/packet/path_address.h"

namespace aya::local {

struct NetcheckReport {
  std::optional<WallTime> now;
  bool udp = false, ipv6 = false, ipv4 = false;
  bool ipv6_can_send = false, ipv4_can_send = false;
  bool os_has_ipv6 = false;
  std::optional<bool> mapping_varies_by_dest_ip;
  std::optional<bool> upnp, pmp, pcp;
  RegionId preferred_derp = 0;
  std::map<RegionId, Duration> region_latency, region_v4_latency, region_v6_latency;
  std::string global_v4, global_v6;  // "addr:port", "" when unknown
  std::optional<bool> captive_portal;
  friend bool operator==(const NetcheckReport&, const NetcheckReport&) = default;
};

std::string to_json(const NetcheckReport& report);       // tab-indented
std::string to_json_line(const NetcheckReport& report);  // one line
Result<NetcheckReport, ParseError> parse_netcheck_report(std::string_view json);

}  // namespace aya::local
