// The relays a node may use (control 6.9).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proto/packet/path_address.h"

namespace aya::control {

struct DerpNode {
  std::string name;  // unique in the map
  RegionId region_id = 0;
  std::string host_name;
  std::string cert_name;   // expected certificate name, or "sha256-raw:<hex>" to pin one
  std::string ipv4, ipv6;  // "none" disables the family; empty: ask DNS
  int stun_port = 0;       // 0: 3478; negative: no STUN
  bool stun_only = false;
  int derp_port = 0;  // 0: 443
  bool insecure_for_tests = false;
  std::string stun_test_ip;
  bool can_port_80 = false;
  friend bool operator==(const DerpNode&, const DerpNode&) = default;
};

struct DerpRegion {
  RegionId region_id = 0;
  std::string region_code, region_name;
  double latitude = 0, longitude = 0;
  bool avoid = false;               // legacy form of the next
  bool no_measure_no_home = false;  // neither probed nor chosen as home
  std::vector<DerpNode> nodes;
  friend bool operator==(const DerpRegion&, const DerpRegion&) = default;
};

struct DerpHomeParams {
  std::optional<std::map<RegionId, double>> region_score;  // < 1 preferred; {} resets
  friend bool operator==(const DerpHomeParams&, const DerpHomeParams&) = default;
};

// In a delta, absent regions and absent home_params both mean "as before".
struct DerpMap {
  std::optional<DerpHomeParams> home_params;
  std::optional<std::map<RegionId, DerpRegion>> regions;
  bool omit_default_regions = false;
  friend bool operator==(const DerpMap&, const DerpMap&) = default;
};

}  // namespace aya::control
