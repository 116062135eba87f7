// The host's network interfaces and their addresses: candidates for direct paths, and what the
// network monitor compares.
#pragma once

#include <string>
#include <vector>

#include "daemon/os/os_error.h"
#include "proto/base/result.h"
#include "proto/netaddr/prefix.h"

namespace aya::os {

struct InterfaceAddress {
  Prefix prefix;            // the address with its on-link length
  bool deprecated = false;  // IPv6: still works, not for new flows
  bool temporary = false;   // IPv6 privacy address

  friend auto operator<=>(const InterfaceAddress&, const InterfaceAddress&) = default;
};

struct Interface {
  unsigned index = 0;
  std::string name;
  unsigned mtu = 0;
  bool up = false;  // administratively up and with carrier
  bool loopback = false;
  bool point_to_point = false;
  std::vector<InterfaceAddress> addresses;  // sorted

  // Container and bridge plumbing never carries a path (os-integration 1.8).
  bool is_container_plumbing() const;

  friend bool operator==(const Interface&, const Interface&) = default;
};

struct DefaultRoute {
  unsigned interface_index = 0;
  std::optional<IpAddress> gateway;

  friend bool operator==(const DefaultRoute&, const DefaultRoute&) = default;
};

struct NetworkSnapshot {
  std::vector<Interface> interfaces;               // by index
  std::optional<DefaultRoute> default4, default6;  // lowest metric in the main table

  // Whether anything can be reached by it at all. A network that leads nowhere else (a ship, a
  // laboratory) has no default route, and a server all the same.
  bool has_v4() const;
  bool has_v6() const;

  friend bool operator==(const NetworkSnapshot&, const NetworkSnapshot&) = default;
};

// `ignored_index`: our own TUN, left out altogether (0: none).
Result<NetworkSnapshot, OsError> take_snapshot(unsigned ignored_index);

// Addresses at which a peer on the same network may reach us: of interfaces that are up, without
// loopback, link-local, multicast, deprecated and overlay ones. Private networks first. Pure.
std::vector<IpAddress> local_endpoint_addresses(const NetworkSnapshot& snapshot);

}  // namespace aya::os
