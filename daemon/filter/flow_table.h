// FlowTable remembers the last flows the host opened, so that replies pass without a rule. It holds
// a fixed number of entries; the least recently used goes first. After construction it never
// allocates: entries and hash chains live in arrays.
//
// One thread.
#pragma once

#include <vector>

#include "proto/netaddr/endpoint.h"

namespace aya::filter {

struct Flow {
  std::uint8_t protocol = 0;
  Endpoint source;  // as a reply would carry it
  Endpoint destination;

  friend bool operator==(const Flow&, const Flow&) = default;
};

class FlowTable {
 public:
  static constexpr std::size_t kDefaultCapacity = 512;  // as deployed nodes have it

  explicit FlowTable(std::size_t capacity = kDefaultCapacity);

  void remember(const Flow& flow);  // newest now
  bool find(const Flow& flow);      // a hit becomes the newest
  void clear();
  std::size_t size() const { return used_; }

 private:
  using Index = std::uint32_t;
  static constexpr Index kNone = ~Index{0};

  struct Entry {
    Flow flow;
    std::size_t hash = 0;
    Index older = kNone, newer = kNone;  // by last use
    Index next_in_bucket = kNone;
  };

  Index lookup(const Flow& flow, std::size_t hash) const;
  void unlink_from_use(Index at);
  void link_as_newest(Index at);
  void unlink_from_bucket(Index at);
  Index& bucket(std::size_t hash) { return buckets_[hash & (buckets_.size() - 1)]; }

  std::vector<Entry> entries_;
  std::vector<Index> buckets_;  // a power of two
  std::size_t used_ = 0;
  Index oldest_ = kNone, newest_ = kNone;
};

}  // namespace aya::filter
