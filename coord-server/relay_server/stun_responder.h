// Answers STUN Binding requests of our kind and nothing else (nat-traversal 1.3). Stateless but for
// the rate limit: 50 requests a second, 100 at once, for each IPv4 address or IPv6 /56. The limit
// lives in a table of fixed size, indexed by a keyed hash, so that a flood of invented sources
// costs no memory; two sources may rarely share one bucket.
//
// Pure; one thread.
#pragma once

#include <cstdint>
#include <vector>

#include "proto/base/rng.h"
#include "proto/base/token_bucket.h"
#include "proto/netaddr/endpoint.h"

namespace aya::relay_server {

class StunResponder {
 public:
  static constexpr TokenRate kRate{.per_second = 50, .burst = 100};

  struct Counters {
    std::uint64_t answered = 0;
    std::uint64_t refused = 0;  // not a request that we answer
    std::uint64_t limited = 0;  // a good one, over its source's rate
  };

  explicit StunResponder(Rng& rng);

  // True: `reply` holds what to send back to `from`, out of the address that was asked. `reply` is
  // overwritten; its capacity is kept. IPv4 written as IPv6 must be unmapped in `from` already.
  bool answer(Bytes datagram, const Endpoint& from, TimePoint now, Buffer& reply);

  const Counters& counters() const { return counters_; }

 private:
  TokenBucket& bucket_of(const IpAddress& source);

  std::array<std::byte, 16> hash_key_;
  std::vector<TokenBucket> buckets_;
  Counters counters_;
};

}  // namespace aya::relay_server
