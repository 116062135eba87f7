// Where a datagram came from, or goes: a UDP endpoint or a relay region. Through a relay the peer
// is addressed by its node key, which travels beside this.
#pragma once

#include <compare>
#include <string>

#include "proto/netaddr/endpoint.h"

namespace aya {

using RegionId = std::uint16_t;  // 0: none. Larger ids do not work with deployed clients

struct PathAddress {
  Endpoint udp;  // meaningful when relay == 0
  RegionId relay = 0;

  static PathAddress direct(const Endpoint& at) { return {at, 0}; }
  static PathAddress relayed(RegionId region) { return {Endpoint{}, region}; }

  bool is_relay() const { return relay != 0; }
  bool is_none() const { return relay == 0 && udp.port == 0; }
  // "192.0.2.7:41641", "relay 900" or "none"
  std::string to_text() const;

  // The stand-in address a relay has inside DISCO pongs: 127.3.3.40:<region> (nat-traversal 0.1).
  Endpoint as_endpoint() const;

  friend auto operator<=>(const PathAddress&, const PathAddress&) = default;
};

}  // namespace aya
