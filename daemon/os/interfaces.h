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

// A route of the host that bears on the overlay's: it says who is near, or leads into the
// overlay's own address space by another link.
struct HostRoute {
  Prefix destination;
  unsigned interface_index = 0;
  bool on_link = false;  // put there by the kernel for an address with its network

  friend auto operator<=>(const HostRoute&, const HostRoute&) = default;
};

struct NetworkSnapshot {
  std::vector<Interface> interfaces;  // by index
  // Lowest metric in the main table; where that has none, in a table that a rule leads to.
  std::optional<DefaultRoute> default4, default6;
  std::vector<HostRoute> routes;  // sorted; without those of loopback and link-local networks

  // Whether anything can be reached by it at all. A network that leads nowhere else (a ship, a
  // laboratory) has no default route, and a server all the same.
  bool has_v4() const;
  bool has_v6() const;
  const Interface* find(unsigned interface_index) const;  // nullptr: not there, or our own

  friend bool operator==(const NetworkSnapshot&, const NetworkSnapshot&) = default;
};

// `ignored_index`: our own TUN, left out altogether (0: none).
Result<NetworkSnapshot, OsError> take_snapshot(unsigned ignored_index);

// Where the overlay's addresses lie (control 11.1).
bool is_overlay_address(const IpAddress& address);

// Addresses at which a peer on the same network may reach us: of interfaces that are up, without
// loopback, link-local, multicast, deprecated and overlay ones. Private networks first. Pure.
std::vector<IpAddress> local_endpoint_addresses(const NetworkSnapshot& snapshot);

}  // namespace aya::os
