// An IPv4 or IPv6 address. IPv4 is always held as IPv4: from_mapped_16() turns ::ffff:a.b.c.d into
// it at the edge, so that two spellings of one address never compare unequal. No zones.
#pragma once

#include <array>
#include <compare>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "proto/base/bytes.h"

namespace aya {

class IpAddress {
 public:
  constexpr IpAddress() = default;  // 0.0.0.0

  static constexpr IpAddress v4(std::uint32_t host_order) {
    IpAddress out;
    for (int i = 0; i < 4; ++i) {
      out.bytes_[static_cast<std::size_t>(i)] = static_cast<std::byte>(host_order >> (24 - 8 * i));
    }
    return out;
  }
  static IpAddress v4(std::span<const std::byte, 4> network_order);
  static IpAddress v6(std::span<const std::byte, 16> network_order);
  // The 16-byte wire form of DISCO and DERP, in which IPv4 is ::ffff:a.b.c.d.
  static IpAddress from_mapped_16(std::span<const std::byte, 16> wire);
  std::array<std::byte, 16> to_mapped_16() const;

  // Dotted quad (no leading zeros) or RFC 4291 text; "::ffff:1.2.3.4" stays IPv6. No zone.
  static std::optional<IpAddress> parse(std::string_view text);
  std::string to_text() const;  // RFC 5952

  constexpr bool is_v4() const { return !is_v6_; }
  constexpr bool is_v6() const { return is_v6_; }
  constexpr unsigned bit_length() const { return is_v6_ ? 128 : 32; }
  // Network order, 4 or 16 bytes. Valid while the address lives.
  Bytes bytes() const { return Bytes(bytes_).first(is_v6_ ? 16 : 4); }
  constexpr bool bit(unsigned index) const {
    return (static_cast<unsigned>(bytes_[index / 8]) >> (7 - index % 8) & 1) != 0;
  }
  std::uint32_t v4_host_order() const;  // is_v4() only

  bool is_unspecified() const;
  bool is_loopback() const;
  bool is_link_local_unicast() const;
  bool is_multicast() const;
  bool is_private() const;                // RFC 1918 or fc00::/7
  // Could be of any host of the internet: of no local, shared or reserved range (IANA special
  // purpose registries), also where an IPv6 address stands for an IPv4 one.
  bool is_public() const;
  std::optional<IpAddress> next() const;  // nullopt after the last address of the family

  friend constexpr auto operator<=>(const IpAddress& a, const IpAddress& b) {
    if (const auto family = a.is_v6_ <=> b.is_v6_; family != 0) return family;
    return a.bytes_ <=> b.bytes_;
  }
  friend constexpr bool operator==(const IpAddress&, const IpAddress&) = default;

 private:
  std::array<std::byte, 16> bytes_{};
  bool is_v6_ = false;
};

}  // namespace aya

template <>
struct std::hash<aya::IpAddress> {
  std::size_t operator()(const aya::IpAddress& address) const noexcept {
    return std::hash<std::string_view>{}(aya::as_text(address.bytes()));
  }
};
