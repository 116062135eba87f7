// Packets that wait for a session: a queue per peer, all of them out of one store, so that a peer
// with nothing waiting owns nothing. Bounded per peer and in all; the oldest goes first.
#pragma once

#include <cstdint>
#include <vector>

#include "proto/packet/packet.h"

namespace aya::tunnel {

class Staging {
 public:
  static constexpr std::uint32_t kPerPeer = 128;
  static constexpr std::uint32_t kInAll = 4096;  // 8 MB of packet slabs

  class Queue {
   public:
    bool empty() const { return size_ == 0; }
    std::uint32_t size() const { return size_; }

   private:
    friend class Staging;
    std::uint32_t head_ = 0, tail_ = 0, size_ = 0;
  };

  // False: a packet was lost, this queue's oldest or, where it has none, the new one.
  bool push(Queue& queue, Packet packet);
  Packet pop(Queue& queue);           // not empty
  std::uint32_t clear(Queue& queue);  // how many went

 private:
  struct Cell {
    Packet packet;
    std::uint32_t next = 0;
  };
  std::vector<Cell> cells_;
  std::vector<std::uint32_t> free_;
};

}  // namespace aya::tunnel
