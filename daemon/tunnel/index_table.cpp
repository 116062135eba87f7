#include "daemon/tunnel/index_table.h"

#include "proto/base/check.h"

namespace aya::tunnel {
namespace {

// The round function of a four-round Feistel network on two halves of 16 bits. It hides structure
// from observers; nothing secret depends on its strength.
std::uint32_t round(std::uint32_t half, std::uint32_t key) {
  std::uint32_t mixed = (half ^ key) * 0x9e3779b1u;
  mixed ^= mixed >> 15;
  return (mixed * 0x85ebca6bu) >> 16;
}

}  // namespace

IndexTable::IndexTable(Rng& rng) {
  for (std::uint32_t& key : round_keys_) key = rng.u32();
}

std::uint32_t IndexTable::scramble(std::uint32_t name) const {
  std::uint32_t left = name >> 16, right = name & 0xffff;
  for (const std::uint32_t key : round_keys_) {
    const std::uint32_t next = left ^ round(right, key);
    left = right;
    right = next;
  }
  return left << 16 | right;
}

std::uint32_t IndexTable::unscramble(std::uint32_t index) const {
  std::uint32_t left = index >> 16, right = index & 0xffff;
  for (std::size_t i = round_keys_.size(); i-- > 0;) {
    const std::uint32_t before = right ^ round(left, round_keys_[i]);
    right = left;
    left = before;
  }
  return left << 16 | right;
}

std::uint32_t IndexTable::add(PeerId peer, Session* session) {
  // Reuse only from a stock of free slots, so that an old name is long gone before it returns.
  constexpr std::size_t kStock = 64;
  std::uint32_t number;
  if (free_.size() - free_head_ > kStock) {
    number = free_[free_head_++];
    if (free_head_ > 2 * kStock) {
      free_.erase(free_.begin(), free_.begin() + static_cast<std::ptrdiff_t>(free_head_));
      free_head_ = 0;
    }
  } else {
    number = static_cast<std::uint32_t>(slots_.size());
    AYA_CHECK(number <= kSlotMask);
    slots_.emplace_back().name = number;
  }
  Slot& slot = slots_[number];
  slot.live = true;
  slot.entry = {peer, session};
  ++live_;
  return scramble(slot.name);
}

IndexTable::Slot* IndexTable::slot_of(std::uint32_t index) {
  const std::uint32_t name = unscramble(index);
  const std::uint32_t number = name & kSlotMask;
  if (number >= slots_.size()) return nullptr;
  Slot& slot = slots_[number];
  return slot.live && slot.name == name ? &slot : nullptr;
}

const IndexTable::Entry* IndexTable::find(std::uint32_t index) const {
  const Slot* slot = const_cast<IndexTable*>(this)->slot_of(index);
  return slot == nullptr ? nullptr : &slot->entry;
}

void IndexTable::become_session(std::uint32_t index, Session* session) {
  Slot* slot = slot_of(index);
  AYA_CHECK(slot != nullptr);
  slot->entry.session = session;
}

void IndexTable::remove(std::uint32_t index) {
  Slot* slot = slot_of(index);
  AYA_CHECK(slot != nullptr);
  slot->live = false;
  slot->entry = {};
  free_.push_back(slot->name & kSlotMask);
  slot->name += kSlotMask + 1;  // the next generation; wraps after 4096
  --live_;
}

}  // namespace aya::tunnel
