#include "coord-server/nodes/address_allocator.h"

#include <algorithm>

#include "coord-server/nodes/address_rules.h"
#include "proto/control/occupied_prefixes.h"

namespace aya::nodes {

std::vector<Prefix> AddressAllocator::pool_for(const NodeRecord& node) const {
  auto pool = pools_ == nullptr ? std::vector<Prefix>() : pools_->pool_for(node);
  if (pool.empty()) pool.push_back(kOverlayV4);
  return pool;
}

Result<IpAddress, std::string> AddressAllocator::ipv4_for(const NodeRecord& node, WallTime now) {
  auto occupied = occupied_in(node.account);
  const auto own = control::occupied_prefixes(node.live.hostinfo);
  occupied.insert(occupied.end(), own.begin(), own.end());
  return pick(node.account, pool_for(node), occupied, now);
}

Result<IpAddress, std::string> AddressAllocator::ipv4_in(AccountId account, WallTime now) {
  return pick(account, {kOverlayV4}, occupied_in(account), now);
}

// What hosts of the account use besides the mesh.
std::vector<Prefix> AddressAllocator::occupied_in(AccountId account) const {
  std::vector<Prefix> occupied;
  for (const NodeId id : registry_.nodes_of(account)) {
    const auto more = control::occupied_prefixes(registry_.find(id)->record.live.hostinfo);
    occupied.insert(occupied.end(), more.begin(), more.end());
  }
  return occupied;
}

// Elsewhere than what is occupied, as long as a few tries find such an address: it would cost
// somebody a machine next to them, or the new machine its uplink.
Result<IpAddress, std::string> AddressAllocator::pick(
    AccountId account, const std::vector<Prefix>& pool, const std::vector<Prefix>& occupied,
    WallTime now) {
  auto reserved = storage_.reservations(account, now);
  if (!reserved) return "no address: " + reserved.error().to_text();
  std::set<IpAddress> kept;
  for (const store::Reservation& one : *reserved) kept.insert(one.ipv4);
  const auto is_taken = [&](const IpAddress& address) {
    return registry_.is_taken(account, address) || kept.contains(address) ||
           registry_.quarantined_for(account, address, now).has_value();
  };
  std::optional<IpAddress> free;
  for (unsigned tries = 0; tries < kTriesElsewhere; ++tries) {
    free = pool_.pick_v4(pool, is_taken);
    const bool elsewhere = !free || std::ranges::none_of(occupied, [&](const Prefix& prefix) {
      return prefix.contains(*free);
    });
    if (elsewhere) break;
  }
  if (free) return *free;
  std::string names;
  for (const Prefix& range : pool) names += (names.empty() ? "" : ", ") + range.to_text();
  return "no IPv4 address is free in the pool " + names + "; ask the administrator to widen it";
}

IpAddress AddressAllocator::ipv6() {
  return pool_.pick_v6([&](const IpAddress& address) { return registry_.is_taken({}, address); });
}

}  // namespace aya::nodes
