// One deadline per peer, in a heap. The packet path only ever moves a peer's own timers, most of
// them later; the heap is told when a deadline comes nearer, and finds out about the others when
// the old one fires. So a packet costs nothing here, and next_deadline() is the top of the heap.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "proto/base/time.h"
#include "proto/packet/peer_id.h"

namespace aya::tunnel {

class TimerQueue {
 public:
  // Makes room, so that nothing below allocates for peers up to and including this one.
  void admit(PeerId peer);

  // Fires no later than `at`. A deadline that is already earlier stays.
  void arm(PeerId peer, TimePoint at);
  void disarm(PeerId peer);

  std::optional<TimePoint> earliest() const;
  // Takes out one peer whose deadline has come.
  std::optional<PeerId> take_due(TimePoint now);

 private:
  static constexpr std::uint32_t kAbsent = ~0u;
  struct Node {
    TimePoint at;
    PeerId peer;
  };

  void place(std::size_t position, const Node& node);
  void sift_up(std::size_t position);
  void sift_down(std::size_t position);
  void remove_at(std::size_t position);

  std::vector<Node> heap_;
  std::vector<std::uint32_t> position_;  // by peer
};

}  // namespace aya::tunnel
