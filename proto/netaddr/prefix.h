// A range of addresses with a common front: "100.64.0.0/10".
#pragma once

#include "proto/netaddr/ip_address.h"

namespace aya {

struct Prefix {
  IpAddress address;
  std::uint8_t length = 0;  // bits; at most address.bit_length()

  static Prefix host(const IpAddress& address);  // /32 or /128
  // Requires the slash. Host bits may be set; is_canonical() tells.
  static std::optional<Prefix> parse(std::string_view text);
  std::string to_text() const;

  Prefix masked() const;  // with all host bits clear
  bool is_canonical() const { return masked() == *this; }
  bool is_host() const { return length == address.bit_length(); }
  bool contains(const IpAddress& other) const;
  bool overlaps(const Prefix& other) const;

  friend auto operator<=>(const Prefix&, const Prefix&) = default;
};

}  // namespace aya

template <>
struct std::hash<aya::Prefix> {
  std::size_t operator()(const aya::Prefix& prefix) const noexcept {
    return std::hash<aya::IpAddress>{}(prefix.address) * 131 + prefix.length;
  }
};
