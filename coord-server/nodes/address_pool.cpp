#include "coord-server/nodes/address_pool.h"

#include <array>

#include "coord-server/nodes/address_rules.h"

namespace aya::nodes {

std::optional<IpAddress> AddressPool::pick_v4(const IsTaken& is_taken) {
  constexpr std::uint32_t kSize = 1u << 22;  // of 100.64.0.0/10
  const std::uint32_t first = kOverlayV4.address.v4_host_order();
  const std::uint32_t start = rng_.below(kSize);
  for (std::uint32_t step = 0; step < kSize; ++step) {
    const IpAddress candidate = IpAddress::v4(first + (start + step) % kSize);
    if (may_allocate_v4(candidate) && !is_taken(candidate)) return candidate;
  }
  return std::nullopt;
}

IpAddress AddressPool::pick_v6(const IsTaken& is_taken) {
  for (;;) {
    std::array<std::byte, 16> bytes{};
    copy_bytes(bytes, kOverlayV6.address.bytes());
    rng_.fill(MutableBytes(bytes).subspan(6));
    const IpAddress candidate = IpAddress::v6(bytes);
    if (may_allocate_v6(candidate) && !is_taken(candidate)) return candidate;
  }
}

}  // namespace aya::nodes
