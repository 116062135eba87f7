// An address and a port: "192.0.2.7:41641", "[2001:db8::1]:41641".
#pragma once

#include "proto/netaddr/ip_address.h"

namespace aya {

struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;

  static std::optional<Endpoint> parse(std::string_view text);
  std::string to_text() const;

  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

}  // namespace aya

template <>
struct std::hash<aya::Endpoint> {
  std::size_t operator()(const aya::Endpoint& at) const noexcept {
    return std::hash<aya::IpAddress>{}(at.address) * 31 + at.port;
  }
};
