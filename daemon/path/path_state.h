// Which of two paths is better, and the state of the path a peer's packets take.
#pragma once

#include <variant>

#include "daemon/path/constants.h"
#include "proto/netaddr/endpoint.h"

namespace aya::path {

// What is known of a proven path, as far as choosing goes.
struct PathQuality {
  Endpoint at;
  Duration latency{};
  bool peer_relay = false;  // through a peer's UDP relay: always worse than direct
  std::uint16_t wire_mtu = kSafeWireMtu;
};

// Both ends of a pair decide by this rule, so it is the deployed nodes' own (nat-traversal 4.9):
// relative latency in percent plus a bonus for near addresses and IPv6, with a little inertia.
bool better(const PathQuality& a, const PathQuality& b);

//   Relayed --pong--> Direct --pongs stop, then a ping is lost--> Relayed
//
// Direct is trusted until `trusted_until`; after that packets go through the relay as well.
struct Relayed {};
struct Direct {
  Endpoint at;
  Duration latency{};
  TimePoint trusted_until;

  bool trusted(TimePoint now) const { return now <= trusted_until; }
};
using PathState = std::variant<Relayed, Direct>;

}  // namespace aya::path
