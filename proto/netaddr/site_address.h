// The IPv6 image of an IPv4 address at a numbered site (control 11.1): two sites may both use
// 192.168.1.0/24, and each of their machines still has an address of its own in the mesh.
//
//   fd7a:115c:a1e0:0b1a : SITE (32 bits) : a.b.c.d
//
// A subnet router that advertises such a prefix ("4via6") carries its traffic as IPv4 at the site.
#pragma once

#include <cstdint>
#include <optional>

#include "proto/netaddr/prefix.h"

namespace aya {

struct SiteAddress {
  std::uint32_t site = 0;
  IpAddress inner;  // IPv4

  friend bool operator==(const SiteAddress&, const SiteAddress&) = default;
};

const Prefix& site_range();  // fd7a:115c:a1e0:b1a::/64

std::optional<SiteAddress> parse_site_address(const IpAddress& address);
IpAddress to_ip(const SiteAddress& address);

// A route as a person knows it: the IPv4 prefix at the site. nullopt for routes outside the range
// or wider than one site.
struct SitePrefix {
  std::uint32_t site = 0;
  Prefix inner;

  friend bool operator==(const SitePrefix&, const SitePrefix&) = default;
};
std::optional<SitePrefix> parse_site_prefix(const Prefix& route);
Prefix to_route(const SitePrefix& prefix);

}  // namespace aya
