// Which of several nodes that could each carry something does: a subnet (routes.h), a service
// (services.h). Pure.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "coord-server/store/records.h"

namespace aya::nodes {

using store::NodeId;

template <class Thing>
struct Candidate {
  NodeId id;
  std::vector<Thing> offers;
  bool present = false;  // connected, or gone so shortly that it is not worth moving traffic
};

// The node to use for each thing. The one in use stays while it is present; otherwise the first
// present one takes over and keeps it. While none is present nothing moves.
template <class Thing>
std::map<Thing, NodeId> elect(
    const std::vector<Candidate<Thing>>& candidates, const std::map<Thing, NodeId>& in_use) {
  struct Standing {
    std::optional<NodeId> any, present;  // of lowest number
    bool holder_offers = false, holder_present = false;
  };
  std::map<Thing, Standing> by_thing;
  for (const Candidate<Thing>& one : candidates) {
    for (const Thing& thing : one.offers) {
      Standing& standing = by_thing[thing];
      const auto lower = [&](std::optional<NodeId>& slot) {
        if (!slot || one.id < *slot) slot = one.id;
      };
      lower(standing.any);
      if (one.present) lower(standing.present);
      if (const auto held = in_use.find(thing); held != in_use.end() && held->second == one.id) {
        standing.holder_offers = true;
        standing.holder_present = one.present;
      }
    }
  }
  std::map<Thing, NodeId> out;
  for (const auto& [thing, standing] : by_thing) {
    const bool stays = standing.holder_present || (standing.holder_offers && !standing.present);
    out[thing] = stays ? in_use.at(thing) : standing.present.value_or(*standing.any);
  }
  return out;
}

}  // namespace aya::nodes
