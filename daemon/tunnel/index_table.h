// Receiver indices: the 32-bit names under which peers address our handshakes and sessions.
//
// An index packs a slot of the table with a generation and is then scrambled by a secret
// permutation: a lookup is one array access, a stale index misses, and an observer learns nothing
// about how many sessions there are (dataplane 1.7).
#pragma once

#include <cstdint>
#include <vector>

#include "proto/base/rng.h"
#include "proto/packet/peer_id.h"

namespace aya::tunnel {

struct Session;

class IndexTable {
 public:
  struct Entry {
    PeerId peer;
    Session* session = nullptr;  // null: a handshake of that peer is under way
  };

  explicit IndexTable(Rng& rng);

  std::uint32_t add(PeerId peer, Session* session);
  void become_session(std::uint32_t index, Session* session);
  void remove(std::uint32_t index);

  // nullptr: names nothing that lives. Valid until the next change of the table.
  const Entry* find(std::uint32_t index) const;
  std::size_t size() const { return live_; }

 private:
  static constexpr unsigned kSlotBits = 20;
  static constexpr std::uint32_t kSlotMask = (1u << kSlotBits) - 1;

  struct Slot {
    std::uint32_t name = 0;  // generation and slot number; another generation is another name
    bool live = false;
    Entry entry;
  };

  std::uint32_t scramble(std::uint32_t name) const;
  std::uint32_t unscramble(std::uint32_t index) const;
  Slot* slot_of(std::uint32_t index);

  std::array<std::uint32_t, 4> round_keys_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;  // a ring, oldest first: names come back as late as possible
  std::size_t free_head_ = 0;
  std::size_t live_ = 0;
};

}  // namespace aya::tunnel
