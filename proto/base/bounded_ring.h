// BoundedRing<T, kLimit>: a first-in-first-out queue of at most kLimit elements. Grows by doubling
// as it is first used and keeps its room, so a queue in steady use allocates nothing and one never
// used costs nothing.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "proto/base/check.h"

namespace aya {

template <class T, std::size_t kLimit>
class BoundedRing {
 public:
  bool empty() const { return size_ == 0; }
  bool full() const { return size_ == kLimit; }
  std::size_t size() const { return size_; }

  T& front() {
    AYA_CHECK(!empty());
    return slots_[first_];
  }
  // From the front: 0 is front().
  const T& at(std::size_t index) const {
    AYA_CHECK(index < size_);
    return slots_[(first_ + index) % slots_.size()];
  }

  void push_back(T value) {
    AYA_CHECK(!full());
    if (size_ == slots_.size()) grow();
    slots_[(first_ + size_) % slots_.size()] = std::move(value);
    ++size_;
  }

  T pop_front() {
    T out = std::exchange(front(), T());
    first_ = (first_ + 1) % slots_.size();
    --size_;
    return out;
  }

 private:
  void grow() {
    std::vector<T> larger(std::clamp<std::size_t>(slots_.size() * 2, 1, kLimit));
    for (std::size_t i = 0; i < size_; ++i) {
      larger[i] = std::move(slots_[(first_ + i) % slots_.size()]);
    }
    slots_ = std::move(larger);
    first_ = 0;
  }

  std::vector<T> slots_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace aya
