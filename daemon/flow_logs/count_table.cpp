#include "daemon/flow_logs/count_table.h"

#include <bit>

#include "proto/base/check.h"

namespace aya::flow_logs {
namespace {

// Ports differ in low bits only: the multiplication carries them everywhere.
std::size_t hash_of(const FlowKey& key) {
  const std::hash<Endpoint> endpoint;
  const std::size_t ends = endpoint(key.source) * 31 + endpoint(key.destination);
  return (ends * 31 + key.protocol) * std::size_t{0x9e3779b97f4a7c15u} >> 20;
}

}  // namespace

// Half of the places stay free, which keeps looks short.
CountTable::CountTable(std::size_t most) : most_(most), places_(std::bit_ceil(most * 2)) {
  AYA_CHECK(most > 0);
  used_.reserve(most);
}

CountTable::Slot* CountTable::look(const FlowKey& key) {
  const std::size_t begin = hash_of(key);
  for (std::size_t step = 0; step < kLongestLook; ++step) {
    Slot& slot = places_[(begin + step) & (places_.size() - 1)];
    if (!slot.taken || slot.entry.key == key) return &slot;
  }
  return nullptr;
}

Count* CountTable::find(const FlowKey& key) {
  Slot* slot = look(key);
  return slot != nullptr && slot->taken ? &slot->entry.count : nullptr;
}

Count* CountTable::add(const FlowKey& key, Kind kind) {
  if (used_.size() == most_) return nullptr;
  Slot* slot = look(key);
  if (slot == nullptr) return nullptr;
  AYA_CHECK(!slot->taken);
  *slot = {true, {key, kind, {}}};
  used_.push_back(static_cast<Place>(slot - places_.data()));
  return &slot->entry.count;
}

void CountTable::clear() {
  for (const Place place : used_) places_[place].taken = false;
  used_.clear();
}

}  // namespace aya::flow_logs
