// Which address a node gets that asks for none: a free one out of the pool of its kind. Free means
// that nobody has it, nobody had it a day ago, and no auth key keeps it for somebody.
//
// One thread.
#pragma once

#include "coord-server/nodes/address_pool.h"
#include "coord-server/nodes/registry.h"

namespace aya::nodes {

class AddressAllocator {
 public:
  static constexpr unsigned kTriesElsewhere = 64;

  // Who may have which part of the account's range. A policy says so (ipPool, interfaces 5.5).
  class Pools {
   public:
    virtual ~Pools() = default;
    // For a node about to be made, too: account, user and tags are known. Empty: the whole range.
    virtual std::vector<Prefix> pool_for(const NodeRecord& node) const = 0;
  };

  // All outlive the allocator.
  AddressAllocator(const Registry& registry, store::AddressStore& storage, Rng& rng)
      : registry_(registry), storage_(storage), pool_(rng) {}
  void set_pools(const Pools& pools) { pools_ = &pools; }

  std::vector<Prefix> pool_for(const NodeRecord& node) const;
  // The error is a sentence for the machine's owner and names the pool that is used up.
  Result<IpAddress, std::string> ipv4_for(const NodeRecord& node, WallTime now);
  // For a device of another account, out of the whole range.
  Result<IpAddress, std::string> ipv4_in(AccountId account, WallTime now);
  IpAddress ipv6();

 private:
  Result<IpAddress, std::string> pick(
      AccountId account, const std::vector<Prefix>& pool, const std::vector<Prefix>& occupied,
      WallTime now);
  std::vector<Prefix> occupied_in(AccountId account) const;

  const Registry& registry_;
  store::AddressStore& storage_;
  AddressPool pool_;
  const Pools* pools_ = nullptr;
};

}  // namespace aya::nodes
