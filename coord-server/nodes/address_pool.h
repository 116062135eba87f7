// Picks addresses for new nodes: at random, so that they tell nothing and rarely meet a number
// somebody remembers; finite, because a full range must be noticed. Whether an address is free the
// caller knows. Pure.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "proto/base/rng.h"
#include "proto/netaddr/prefix.h"

namespace aya::nodes {

class AddressPool {
 public:
  using IsTaken = std::function<bool(const IpAddress&)>;

  explicit AddressPool(Rng& rng) : rng_(rng) {}  // rng outlives the pool

  // Out of `ranges`, which are IPv4 and inside the overlay: a random start, then upwards with wrap.
  // nullopt: every address is taken.
  std::optional<IpAddress> pick_v4(const std::vector<Prefix>& ranges, const IsTaken& is_taken);

  // 80 random bits: never exhausted, and drawn again in the case nobody will live to see.
  IpAddress pick_v6(const IsTaken& is_taken);

 private:
  Rng& rng_;
};

}  // namespace aya::nodes
