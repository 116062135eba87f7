// PacketPool hands out packets of one slab size and takes them back. It allocates only while its
// high-water mark grows, so steady traffic allocates nothing.
//
// Not copied, not moved; outlives every packet it made. One thread.
#pragma once

#include <memory>
#include <vector>

#include "proto/packet/packet.h"

namespace aya {

class PacketPool {
 public:
  // `max_data`: the largest packet, not counting head and tail room.
  explicit PacketPool(std::size_t max_data = kDefaultMaxData);
  ~PacketPool();
  PacketPool(const PacketPool&) = delete;
  PacketPool& operator=(const PacketPool&) = delete;

  static constexpr std::size_t kDefaultMaxData = 2048 - Packet::kHeadroom - Packet::kTailroom;

  // An empty packet with the standard headroom.
  Packet take();
  // A packet holding a copy; `data` must not exceed max_data().
  Packet copy_of(Bytes data);

  std::size_t max_data() const { return slab_size_ - Packet::kHeadroom - Packet::kTailroom; }
  std::size_t slabs() const { return slabs_.size(); }  // ever made
  std::size_t in_use() const { return slabs_.size() - free_.size(); }

 private:
  friend class Packet;
  void give_back(std::byte* slab) { free_.push_back(slab); }

  std::size_t slab_size_;
  std::vector<std::unique_ptr<std::byte[]>> slabs_;
  std::vector<std::byte*> free_;  // capacity kept at slabs_.size(), so give_back never allocates
};

}  // namespace aya
