// A packet: bytes inside a pooled slab, with room before and behind for headers and tags, so that a
// datagram is sealed, opened and framed in place and never copied.
//
//   slab   | headroom ........ | data ............ | tailroom ...... |
//
// Move-only; the slab goes back to its pool when the packet dies. One thread: the pool's.
#pragma once

#include <utility>

#include "proto/base/bytes.h"
#include "proto/base/check.h"

namespace aya {

class PacketPool;

class Packet {
 public:
  // Room every fresh packet has in front: the WireGuard header and a Geneve header fit.
  static constexpr std::size_t kHeadroom = 64;
  // Room the pool keeps behind the largest packet: padding and tag fit.
  static constexpr std::size_t kTailroom = 64;

  Packet() = default;  // empty, owns nothing
  Packet(Packet&& other) noexcept { swap(other); }
  Packet& operator=(Packet&& other) noexcept {
    Packet(std::move(other)).swap(*this);
    return *this;
  }
  Packet(const Packet&) = delete;
  Packet& operator=(const Packet&) = delete;
  ~Packet() { release(); }

  explicit operator bool() const { return slab_ != nullptr; }
  Bytes bytes() const { return {slab_ + start_, size_}; }
  MutableBytes mutable_bytes() { return {slab_ + start_, size_}; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::size_t headroom() const { return start_; }
  std::size_t tailroom() const { return capacity_ - start_ - size_; }

  // All room behind the data start, to receive into; follow with resize().
  MutableBytes writable() { return {slab_ + start_, capacity_ - start_}; }

  void resize(std::size_t size) {
    AYA_CHECK(size <= capacity_ - start_);
    size_ = size;
  }
  // Moves the front: grow_front takes headroom, drop_front gives it back.
  void grow_front(std::size_t count) {
    AYA_CHECK(count <= start_);
    start_ -= count;
    size_ += count;
  }
  void drop_front(std::size_t count) {
    AYA_CHECK(count <= size_);
    start_ += count;
    size_ -= count;
  }

 private:
  friend class PacketPool;

  void swap(Packet& other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(slab_, other.slab_);
    std::swap(capacity_, other.capacity_);
    std::swap(start_, other.start_);
    std::swap(size_, other.size_);
  }
  void release();

  PacketPool* pool_ = nullptr;
  std::byte* slab_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t start_ = 0;
  std::size_t size_ = 0;
};

}  // namespace aya
