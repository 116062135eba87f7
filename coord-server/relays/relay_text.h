// Relays as people and other servers write them: the JSON of a DERP map (control 6.9), checked
// before any node is told of it. A map that clients cannot use cuts them off from each other, so
// what is wrong is said in one line and nothing of it is taken. What may be left out is filled in.
//
// Pure; any thread.
#pragma once

#include <set>
#include <string>

#include "proto/base/result.h"
#include "proto/control/derp_map.h"

namespace aya::relays {

using Regions = std::map<RegionId, control::DerpRegion>;

inline constexpr std::size_t kMostRegions = 500, kMostNodes = 50;

// How a network of its own departs from what the server says.
struct Overlay {
  bool omit_default_regions = false;  // if there are any besides
  Regions regions;                    // added, or instead of the server's
  std::set<RegionId> left_out;
  std::map<RegionId, double> score;
  friend bool operator==(const Overlay&, const Overlay&) = default;
};

// Gives regions and nodes the numbers and names they may leave out.
Result<void, std::string> check_region(RegionId id, control::DerpRegion& region);
Result<control::DerpRegion, std::string> read_region(RegionId id, std::string_view json);
// "Regions" may be left out.
Result<Overlay, std::string> read_map(std::string_view json);
// Latency is multiplied by it.
bool is_score(double score);

// Whether packets can go by it: a region may be there for STUN alone.
bool has_relay(const control::DerpRegion& region);
bool has_relay(const Regions& regions);

}  // namespace aya::relays
