#include "daemon/tunnel/staging.h"

namespace aya::tunnel {

bool Staging::push(Queue& queue, Packet packet) {
  bool kept_all = true;
  const bool full = free_.empty() && cells_.size() == kInAll;
  if (queue.size_ == kPerPeer || full) {
    if (queue.empty()) return false;
    pop(queue);
    kept_all = false;
  }
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(cells_.size()));
    cells_.emplace_back();
  }
  const std::uint32_t cell = free_.back();
  free_.pop_back();
  cells_[cell].packet = std::move(packet);
  (queue.empty() ? queue.head_ : cells_[queue.tail_].next) = cell;
  queue.tail_ = cell;
  ++queue.size_;
  return kept_all;
}

Packet Staging::pop(Queue& queue) {
  AYA_CHECK(!queue.empty());
  const std::uint32_t cell = queue.head_;
  queue.head_ = cells_[cell].next;
  --queue.size_;
  free_.push_back(cell);
  return std::move(cells_[cell].packet);
}

std::uint32_t Staging::clear(Queue& queue) {
  const std::uint32_t count = queue.size();
  while (!queue.empty()) pop(queue);
  return count;
}

}  // namespace aya::tunnel
