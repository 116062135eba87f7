// What differs between two netmaps, named by what has to be done about it.
#pragma once

#include <vector>

#include "daemon/netmap/netmap.h"

namespace aya::netmap {

struct PeerDelta {
  enum class Kind { Added, Removed, Changed };
  NodeId id{};
  Kind kind = Kind::Changed;

  // Which parts of a changed peer differ. All true for one that was added.
  bool key = false;        // node key: another WireGuard peer
  bool disco = false;      // disco key: the peer was restarted
  bool endpoints = false;  // candidate addresses
  bool home = false;       // home relay
  bool routing = false;    // addresses, allowed IPs, primary routes, expiry, masquerade, jail
  bool names = false;      // name: MagicDNS
  bool presence = false;   // online, last seen
  bool other = false;      // host information, tags, capabilities, owner: for display and filters

  bool any() const {
    return key || disco || endpoints || home || routing || names || presence || other;
  }
  friend bool operator==(const PeerDelta&, const PeerDelta&) = default;
};

struct NetmapDelta {
  std::vector<PeerDelta> peers;  // by ascending id, at most one per peer
  bool self = false;             // anything about the own node
  bool self_addresses = false;   // its addresses or allowed IPs: interface, routes, filter
  bool packet_filters = false;
  bool dns = false;
  bool derp_map = false;
  bool user_profiles = false;
  bool ssh_policy = false;
  bool messages = false;  // health or display messages
  bool account = false;   // domain, service collection, network lock, audit log

  bool empty() const { return *this == NetmapDelta{}; }
  friend bool operator==(const NetmapDelta&, const NetmapDelta&) = default;
};

// nullopt when nothing differs.
std::optional<PeerDelta> compare(const control::Node& was, const control::Node& is);

// Costs the size of both; fold() does better for one message.
NetmapDelta difference(const Netmap& was, const Netmap& is);

}  // namespace aya::netmap
