// Who may send what to this node (control 6.7). Texts are kept as sent: what an address text means
// is for daemon/filter, which must refuse or lose rules exactly as deployed nodes do.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proto/control/json_text.h"
#include "proto/control/node.h"

namespace aya::control {

struct PortRange {
  std::uint16_t first = 0, last = 0;  // inclusive
  friend bool operator==(const PortRange&, const PortRange&) = default;
};

struct NetPortRange {
  std::string ip;           // as FilterRule::src_ips, without "cap:"
  std::optional<int> bits;  // never sent by us
  PortRange ports;
  friend bool operator==(const NetPortRange&, const NetPortRange&) = default;
};

struct CapGrant {
  std::vector<Prefix> dsts;
  std::vector<std::string> caps;
  CapMap cap_map;
  friend bool operator==(const CapGrant&, const CapGrant&) = default;
};

struct FilterRule {
  std::vector<std::string> src_ips;  // IP, CIDR, "a-b", "*", "cap:<name>"
  std::vector<int> src_bits;         // never sent by us: receivers refuse the whole filter
  std::vector<NetPortRange> dst_ports;
  std::vector<std::int64_t> ip_proto;  // empty: TCP, UDP, ICMP, ICMPv6
  std::vector<CapGrant> cap_grants;    // instead of dst_ports
  friend bool operator==(const FilterRule&, const FilterRule&) = default;
};

}  // namespace aya::control
