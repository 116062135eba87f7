// A set of numbers in one block of memory. Every stream keeps one of all the peers it has told:
// that is N * N entries for N nodes, and a tree would spend forty bytes on each.
#pragma once

#include <algorithm>
#include <vector>

namespace aya::mapper {

template <class Id>
class IdSet {
 public:
  bool contains(Id id) const { return std::ranges::binary_search(ids_, id); }
  std::size_t size() const { return ids_.size(); }
  void reserve(std::size_t count) { ids_.reserve(count); }

  // False when it is there already, or was not there.
  bool insert(Id id) {
    const auto at = std::ranges::lower_bound(ids_, id);
    if (at != ids_.end() && *at == id) return false;
    ids_.insert(at, id);
    return true;
  }
  bool erase(Id id) {
    const auto at = std::ranges::lower_bound(ids_, id);
    if (at == ids_.end() || *at != id) return false;
    ids_.erase(at);
    return true;
  }

 private:
  std::vector<Id> ids_;  // ascending
};

}  // namespace aya::mapper
