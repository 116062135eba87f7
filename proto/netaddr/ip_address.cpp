#include "proto/netaddr/ip_address.h"

#include <arpa/inet.h>

#include "proto/base/check.h"
#include "proto/base/endian.h"

namespace aya {
namespace {

constexpr std::array<std::byte, 12> kMappedPrefix = {
    std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0},    std::byte{0},
    std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0xff}, std::byte{0xff}};

// RFC 6052.
constexpr std::array<std::byte, 12> kNat64Prefix = {
    std::byte{0}, std::byte{0x64}, std::byte{0xff}, std::byte{0x9b}};

}  // namespace

IpAddress IpAddress::v4(std::span<const std::byte, 4> network_order) {
  return v4(load_be<std::uint32_t>(network_order.data()));
}

IpAddress IpAddress::v6(std::span<const std::byte, 16> network_order) {
  IpAddress out;
  copy_bytes(out.bytes_, network_order);
  out.is_v6_ = true;
  return out;
}

IpAddress IpAddress::from_mapped_16(std::span<const std::byte, 16> wire) {
  if (equal_bytes(wire.first<12>(), kMappedPrefix)) return v4(wire.last<4>());
  return v6(wire);
}

std::array<std::byte, 16> IpAddress::to_mapped_16() const {
  if (is_v6_) return bytes_;
  std::array<std::byte, 16> out{};
  copy_bytes(out, kMappedPrefix);
  copy_bytes(MutableBytes(out).last(4), bytes());
  return out;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  char terminated[INET6_ADDRSTRLEN + 1];
  if (text.size() >= sizeof terminated || text.find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  text.copy(terminated, text.size());
  terminated[text.size()] = '\0';
  std::array<std::byte, 16> raw{};
  if (inet_pton(AF_INET, terminated, raw.data()) == 1) {
    return v4(std::span<const std::byte, 4>(raw.data(), 4));
  }
  if (inet_pton(AF_INET6, terminated, raw.data()) == 1) return v6(raw);
  return std::nullopt;
}

std::string IpAddress::to_text() const {
  char text[INET6_ADDRSTRLEN];
  AYA_CHECK(inet_ntop(is_v6_ ? AF_INET6 : AF_INET, bytes_.data(), text, sizeof text) != nullptr);
  return text;
}

std::uint32_t IpAddress::v4_host_order() const {
  AYA_CHECK(is_v4());
  return load_be<std::uint32_t>(bytes_.data());
}

bool IpAddress::is_unspecified() const { return bytes_ == std::array<std::byte, 16>{}; }

bool IpAddress::is_loopback() const {
  if (!is_v6_) return bytes_[0] == std::byte{127};
  std::array<std::byte, 16> one{};
  one[15] = std::byte{1};
  return bytes_ == one;
}

bool IpAddress::is_link_local_unicast() const {
  if (!is_v6_) return bytes_[0] == std::byte{169} && bytes_[1] == std::byte{254};
  return bytes_[0] == std::byte{0xfe} && (bytes_[1] & std::byte{0xc0}) == std::byte{0x80};
}

bool IpAddress::is_multicast() const {
  if (!is_v6_) return (bytes_[0] & std::byte{0xf0}) == std::byte{0xe0};
  return bytes_[0] == std::byte{0xff};
}

bool IpAddress::is_private() const {
  if (is_v6_) return (bytes_[0] & std::byte{0xfe}) == std::byte{0xfc};
  const std::uint32_t address = v4_host_order();
  return address >> 24 == 10 || address >> 20 == (172u << 4 | 1) ||
         address >> 16 == (192u << 8 | 168);
}

bool IpAddress::is_public() const {
  if (is_unspecified() || is_loopback() || is_link_local_unicast() || is_multicast() ||
      is_private()) {
    return false;
  }
  if (!is_v6_) {
    const std::uint32_t address = v4_host_order();
    const bool this_network = address >> 24 == 0;
    const bool shared = address >> 22 == (100u << 2 | 1);  // RFC 6598
    const bool reserved = address >> 28 == 15;
    return !this_network && !shared && !reserved;
  }
  const Bytes start = Bytes(bytes_).first(12);
  const bool stands_for_v4 = equal_bytes(start, kMappedPrefix) || equal_bytes(start, kNat64Prefix);
  return !stands_for_v4 || IpAddress::v4(std::span(bytes_).last<4>()).is_public();
}

std::optional<IpAddress> IpAddress::next() const {
  IpAddress out = *this;
  for (std::size_t i = is_v6_ ? 16 : 4; i-- > 0;) {
    out.bytes_[i] = static_cast<std::byte>(static_cast<unsigned>(out.bytes_[i]) + 1);
    if (out.bytes_[i] != std::byte{0}) return out;
  }
  return std::nullopt;
}

}  // namespace aya
