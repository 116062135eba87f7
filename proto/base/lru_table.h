// LruTable remembers the last keys it was told, each with a value; the least recently used goes
// first. It holds a fixed number of entries: after construction nothing allocates, entries and
// hash chains live in arrays, so that it may be used for every packet.
//
// Keys need == and std::hash, of which every bit counts. One thread.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <functional>
#include <vector>

#include "proto/base/check.h"

namespace aya {

template <class Key, class Value>
class LruTable {
 public:
  explicit LruTable(std::size_t capacity)
      : entries_(capacity), buckets_(std::bit_ceil(capacity * 2), kNone) {
    AYA_CHECK(capacity > 0 && capacity < kNone);
  }

  // The entry of the key, newest now; made with a fresh value if there was none. Valid until the
  // next call.
  Value& remember(const Key& key) {
    const std::size_t hash = spread(key);
    if (const Index known = lookup(key, hash); known != kNone) {
      touch(known);
      return entries_[known].value;
    }
    Index at = static_cast<Index>(used_);
    if (used_ < entries_.size()) {
      ++used_;
    } else {
      at = oldest_;
      unlink_from_use(at);
      unlink_from_bucket(at);
    }
    Entry& entry = entries_[at];
    entry.key = key;
    entry.value = Value();
    entry.hash = hash;
    entry.next_in_bucket = bucket(hash);
    bucket(hash) = at;
    link_as_newest(at);
    return entry.value;
  }

  // nullptr: unknown. A hit becomes the newest.
  Value* find(const Key& key) {
    const Index at = lookup(key, spread(key));
    if (at == kNone) return nullptr;
    touch(at);
    return &entries_[at].value;
  }

  void clear() {
    std::ranges::fill(buckets_, kNone);
    used_ = 0;
    oldest_ = newest_ = kNone;
  }
  std::size_t size() const { return used_; }

 private:
  using Index = std::uint32_t;
  static constexpr Index kNone = ~Index{0};

  struct Entry {
    Key key{};
    Value value{};
    std::size_t hash = 0;
    Index older = kNone, newer = kNone;  // by last use
    Index next_in_bucket = kNone;
  };

  // Keys that differ in low bits only, as ports do, must not share a bucket.
  static std::size_t spread(const Key& key) {
    return std::hash<Key>{}(key)*std::size_t{0x9e3779b97f4a7c15u} >> 16;
  }
  Index& bucket(std::size_t hash) { return buckets_[hash & (buckets_.size() - 1)]; }

  Index lookup(const Key& key, std::size_t hash) const {
    Index at = buckets_[hash & (buckets_.size() - 1)];
    while (at != kNone && !(entries_[at].hash == hash && entries_[at].key == key)) {
      at = entries_[at].next_in_bucket;
    }
    return at;
  }
  void touch(Index at) {
    unlink_from_use(at);
    link_as_newest(at);
  }
  void unlink_from_use(Index at) {
    const Entry& entry = entries_[at];
    (entry.older == kNone ? oldest_ : entries_[entry.older].newer) = entry.newer;
    (entry.newer == kNone ? newest_ : entries_[entry.newer].older) = entry.older;
  }
  void link_as_newest(Index at) {
    entries_[at].older = newest_;
    entries_[at].newer = kNone;
    (newest_ == kNone ? oldest_ : entries_[newest_].newer) = at;
    newest_ = at;
  }
  void unlink_from_bucket(Index at) {
    Index* link = &bucket(entries_[at].hash);
    while (*link != at) link = &entries_[*link].next_in_bucket;
    *link = entries_[at].next_in_bucket;
  }

  std::vector<Entry> entries_;
  std::vector<Index> buckets_;  // a power of two
  std::size_t used_ = 0;
  Index oldest_ = kNone, newest_ = kNone;
};

}  // namespace aya
