#include "coord-server/nodes/address_pool.h"

#include <array>

#include "coord-server/nodes/address_rules.h"

namespace aya::nodes {
namespace {

std::uint32_t size_of(const Prefix& range) { return 1u << (32 - range.length); }

// As if the ranges stood one behind the other.
IpAddress at(const std::vector<Prefix>& ranges, std::uint32_t index) {
  for (const Prefix& range : ranges) {
    const std::uint32_t size = size_of(range);
    if (index < size) return IpAddress::v4(range.masked().address.v4_host_order() + index);
    index -= size;
  }
  return {};
}

}  // namespace

std::optional<IpAddress> AddressPool::pick_v4(
    const std::vector<Prefix>& ranges, const IsTaken& is_taken) {
  std::uint32_t size = 0;
  for (const Prefix& range : ranges) size += size_of(range);
  if (size == 0) return std::nullopt;
  const std::uint32_t start = rng_.below(size);
  for (std::uint32_t step = 0; step < size; ++step) {
    const IpAddress candidate = at(ranges, (start + step) % size);
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
