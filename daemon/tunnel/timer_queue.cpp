#include "daemon/tunnel/timer_queue.h"

namespace aya::tunnel {

void TimerQueue::admit(PeerId peer) {
  if (peer.value >= position_.size()) position_.resize(peer.value + 1, kAbsent);
  heap_.reserve(position_.capacity());
}

void TimerQueue::arm(PeerId peer, TimePoint at) {
  const std::uint32_t known = position_[peer.value];
  if (known == kAbsent) {
    heap_.push_back({at, peer});
    position_[peer.value] = static_cast<std::uint32_t>(heap_.size() - 1);
    sift_up(heap_.size() - 1);
  } else if (at < heap_[known].at) {
    heap_[known].at = at;
    sift_up(known);
  }
}

void TimerQueue::disarm(PeerId peer) {
  if (position_[peer.value] != kAbsent) remove_at(position_[peer.value]);
}

std::optional<TimePoint> TimerQueue::earliest() const {
  if (heap_.empty()) return std::nullopt;
  return heap_.front().at;
}

std::optional<PeerId> TimerQueue::take_due(TimePoint now) {
  if (heap_.empty() || heap_.front().at > now) return std::nullopt;
  const PeerId due = heap_.front().peer;
  remove_at(0);
  return due;
}

void TimerQueue::place(std::size_t position, const Node& node) {
  heap_[position] = node;
  position_[node.peer.value] = static_cast<std::uint32_t>(position);
}

void TimerQueue::sift_up(std::size_t position) {
  const Node moving = heap_[position];
  while (position > 0) {
    const std::size_t parent = (position - 1) / 2;
    if (heap_[parent].at <= moving.at) break;
    place(position, heap_[parent]);
    position = parent;
  }
  place(position, moving);
}

void TimerQueue::sift_down(std::size_t position) {
  const Node moving = heap_[position];
  for (;;) {
    std::size_t child = 2 * position + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1].at < heap_[child].at) ++child;
    if (moving.at <= heap_[child].at) break;
    place(position, heap_[child]);
    position = child;
  }
  place(position, moving);
}

void TimerQueue::remove_at(std::size_t position) {
  position_[heap_[position].peer.value] = kAbsent;
  const Node last = heap_.back();
  heap_.pop_back();
  if (position == heap_.size()) return;
  place(position, last);
  sift_up(position);
  sift_down(position_[last.peer.value]);
}

}  // namespace aya::tunnel
