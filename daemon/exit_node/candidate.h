// The peers that could carry our Internet traffic, and which of them is best as far as can be known
// without trying: what the map says about them, how far their relays are, how long they took to
// answer when they were asked. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "proto/base/time.h"
#include "proto/packet/path_address.h"

namespace aya::exit_node {

// A peer that offers to be an exit node and may be one: both default routes are among its approved
// prefixes. One family alone would let the other leak, so it is no offer.
struct Candidate {
  std::string id;             // stable id
  bool online = false;        // as the coordinator sees it
  bool suggested = false;     // the administrator wants it to be proposed (control 8.4)
  bool answers_pings = true;  // false for plain WireGuard peers, which cannot be asked
  RegionId home = 0;          // its relay; 0: unknown
  std::int64_t priority = 0;  // of its location: among equals the higher one
  friend bool operator==(const Candidate&, const Candidate&) = default;
};

// What we measured ourselves.
struct Distances {
  std::map<RegionId, Duration> relays;      // to each relay
  std::map<std::string, Duration> answers;  // of candidates that were asked, by id
};

enum class Among {
  Suggested,  // only those the administrator wants proposed
  // Those, or all where there are none: a person who asks for any exit node wants the one there is.
  Any,
};

// Candidates that are online, best first: by the distance of their relay, then priority, then the
// time they took to answer, then id, so that equal ones keep their order.
std::vector<const Candidate*> by_preference(
    std::span<const Candidate> candidates, const Distances& distances, Among among);

// Whether a change from `current` to `other` is worth cutting every connection that goes through
// `current`: not for less than 20 ms and a third.
bool clearly_better(const Candidate& other, const Candidate& current, const Distances& distances);

}  // namespace aya::exit_node
