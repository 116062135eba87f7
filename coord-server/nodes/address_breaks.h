// What stops working when machines get other addresses: everything that says an address where it
// could have said a name. Told before an edit (dry run) and after it. Pure.
#pragma once

#include "coord-server/nodes/registry.h"

namespace aya::nodes {

struct Break {
  std::string kind;  // "policy", "dnsRecord", "nameserver", "name", "connections"
  NodeId node;       // who moved
  std::string text;  // one sentence for people
  // Names follow by themselves and connections are opened again; the others need a person.
  bool needs_hand() const { return kind != "name" && kind != "connections"; }
};

std::vector<Break> breaks_of(const Registry& registry, const store::AddressChange& change);

// Lines, counted from 1, in which the address stands, alone or with a mask or ports behind it.
std::vector<std::size_t> lines_with(std::string_view text, const IpAddress& address);

}  // namespace aya::nodes
