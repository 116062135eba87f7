// What the network check needs to know of the DERP map, in a form of its own (nat-traversal 3.1).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "proto/packet/path_address.h"

namespace aya::netcheck {

struct RelayNode {
  std::string name{};
  std::string host{};  // resolved where the literals below are empty
  std::string ipv4{};  // a literal, empty (use DNS), or anything else: family disabled
  std::string ipv6{};
  int stun_port = 0;           // 0: 3478; -1: no STUN here
  std::string stun_test_ip{};  // overrides every address above

  friend bool operator==(const RelayNode&, const RelayNode&) = default;
};

struct RelayRegion {
  RegionId id = 0;
  std::string code{}, name{};
  bool no_measure_no_home = false;  // never probed, never home
  bool avoid = false;               // left out of incremental plans unless it is home
  std::vector<RelayNode> nodes{};   // best first

  friend bool operator==(const RelayRegion&, const RelayRegion&) = default;
};

struct RelayMap {
  std::vector<RelayRegion> regions;
  std::map<RegionId, double> score;  // multiplies latency in the choice of home; <= 0 is ignored

  const RelayRegion* find(RegionId id) const;
};

}  // namespace aya::netcheck
