#include "daemon/filter/flow_table.h"

#include <algorithm>
#include <bit>

#include "proto/base/check.h"

namespace aya::filter {
namespace {

std::size_t hash_of(const Flow& flow) {
  const std::hash<Endpoint> endpoint;
  const std::size_t mixed =
      (endpoint(flow.source) * 31 + endpoint(flow.destination)) * 31 + flow.protocol;
  return mixed * 0x9e3779b97f4a7c15u >> 16;  // ports differ in low bits only: spread them
}

}  // namespace

FlowTable::FlowTable(std::size_t capacity)
    : entries_(capacity), buckets_(std::bit_ceil(capacity * 2), kNone) {
  AYA_CHECK(capacity > 0 && capacity < kNone);
}

void FlowTable::remember(const Flow& flow) {
  const std::size_t hash = hash_of(flow);
  if (const Index known = lookup(flow, hash); known != kNone) {
    unlink_from_use(known);
    link_as_newest(known);
    return;
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
  entry.flow = flow;
  entry.hash = hash;
  entry.next_in_bucket = bucket(hash);
  bucket(hash) = at;
  link_as_newest(at);
}

bool FlowTable::find(const Flow& flow) {
  const Index at = lookup(flow, hash_of(flow));
  if (at == kNone) return false;
  unlink_from_use(at);
  link_as_newest(at);
  return true;
}

void FlowTable::clear() {
  std::fill(buckets_.begin(), buckets_.end(), kNone);
  used_ = 0;
  oldest_ = newest_ = kNone;
}

FlowTable::Index FlowTable::lookup(const Flow& flow, std::size_t hash) const {
  Index at = buckets_[hash & (buckets_.size() - 1)];
  while (at != kNone && !(entries_[at].hash == hash && entries_[at].flow == flow)) {
    at = entries_[at].next_in_bucket;
  }
  return at;
}

void FlowTable::unlink_from_use(Index at) {
  const Entry& entry = entries_[at];
  (entry.older == kNone ? oldest_ : entries_[entry.older].newer) = entry.newer;
  (entry.newer == kNone ? newest_ : entries_[entry.newer].older) = entry.older;
}

void FlowTable::link_as_newest(Index at) {
  entries_[at].older = newest_;
  entries_[at].newer = kNone;
  (newest_ == kNone ? oldest_ : entries_[newest_].newer) = at;
  newest_ = at;
}

void FlowTable::unlink_from_bucket(Index at) {
  Index* link = &bucket(entries_[at].hash);
  while (*link != at) link = &entries_[*link].next_in_bucket;
  *link = entries_[at].next_in_bucket;
}

}  // namespace aya::filter
