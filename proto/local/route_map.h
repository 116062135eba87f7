// A network that is offered under other addresses than it has: the homes of two people both use
// 192.168.1.0/24, and each offers it under a network of its own (os-integration 1.3). The router
// puts one in place of the other, machine for machine; everybody else sees an ordinary route.
//
//   --advertise-routes=10.99.1.0/24=192.168.1.0/24     offered = real
//
// Values; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.h"
#include "proto/netaddr/prefix.h"

namespace aya::local {

struct RouteMap {
  Prefix offered, real;

  std::string to_text() const;  // "10.99.1.0/24=192.168.1.0/24"
  friend auto operator<=>(const RouteMap&, const RouteMap&) = default;
};

// The error is a sentence for a person.
Result<RouteMap, std::string> parse_route_map(std::string_view text);

// Why these cannot stand side by side; nullopt: they can.
std::optional<std::string> contradiction(const std::vector<RouteMap>& maps);

}  // namespace aya::local
