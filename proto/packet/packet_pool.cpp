#include "proto/packet/packet_pool.h"

namespace aya {

void Packet::release() {
  if (slab_ != nullptr) pool_->give_back(slab_);
  slab_ = nullptr;
}

PacketPool::PacketPool(std::size_t max_data)
    : slab_size_(max_data + Packet::kHeadroom + Packet::kTailroom) {}

PacketPool::~PacketPool() {
  AYA_CHECK(free_.size() == slabs_.size());  // a packet outlived its pool
}

Packet PacketPool::take() {
  if (free_.empty()) {
    slabs_.push_back(std::make_unique_for_overwrite<std::byte[]>(slab_size_));
    free_.reserve(slabs_.capacity());
    free_.push_back(slabs_.back().get());
  }
  Packet out;
  out.pool_ = this;
  out.slab_ = free_.back();
  out.capacity_ = slab_size_;
  out.start_ = Packet::kHeadroom;
  free_.pop_back();
  return out;
}

Packet PacketPool::copy_of(Bytes data) {
  AYA_CHECK(data.size() <= max_data());
  Packet out = take();
  out.resize(data.size());
  copy_bytes(out.mutable_bytes(), data);
  return out;
}

}  // namespace aya
