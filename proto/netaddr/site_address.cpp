#include "proto/netaddr/site_address.h"

#include "proto/base/endian.h"

namespace aya {
namespace {

constexpr unsigned kInnerBegins = 96;  // bits before the IPv4 address

}  // namespace

const Prefix& site_range() {
  static const Prefix range = *Prefix::parse("fd7a:115c:a1e0:b1a::/64");
  return range;
}

std::optional<SiteAddress> parse_site_address(const IpAddress& address) {
  if (!site_range().contains(address)) return std::nullopt;
  const Bytes raw = address.bytes();
  return SiteAddress{load_be<std::uint32_t>(raw.data() + 8), IpAddress::v4(raw.subspan<12, 4>())};
}

IpAddress to_ip(const SiteAddress& address) {
  std::array<std::byte, 16> raw{};
  copy_bytes(raw, site_range().address.bytes());
  store_be(raw.data() + 8, address.site);
  copy_bytes(std::span(raw).subspan<12>(), address.inner.bytes());
  return IpAddress::v6(raw);
}

std::optional<SitePrefix> parse_site_prefix(const Prefix& route) {
  const auto address = parse_site_address(route.address);
  if (!address || route.length < kInnerBegins) return std::nullopt;
  return SitePrefix{
      address->site, {address->inner, static_cast<std::uint8_t>(route.length - kInnerBegins)}};
}

Prefix to_route(const SitePrefix& prefix) {
  return {
      to_ip({prefix.site, prefix.inner.address}),
      static_cast<std::uint8_t>(prefix.inner.length + kInnerBegins)};
}

}  // namespace aya
