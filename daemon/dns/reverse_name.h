// Names that stand for addresses: reverse names, and site addresses of 4in6 routes (control 11.1).
// All names are lower case with a final dot.
#pragma once

#include <optional>
#include <string_view>

#include "proto/netaddr/ip_address.h"

namespace aya::dns {

// "4.3.2.1.in-addr.arpa." and 32 nibbles before "ip6.arpa."; nullopt for anything else.
std::optional<IpAddress> parse_reverse_name(std::string_view name);

// The first label "<a>-<b>-<c>-<d>-via-<site>" as an address of the site range. The site number may
// be written in every way a C-like language would: 7, 0x7, 0b111, 0o7, 07, 1_000.
std::optional<IpAddress> parse_site_label(std::string_view label);

// The IPv4 address whose automatic IPv6 image this is (control 11.2).
std::optional<IpAddress> ipv4_of_image(const IpAddress& address);

}  // namespace aya::dns
