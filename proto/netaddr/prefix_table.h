// PrefixTable<T>: longest-prefix match from addresses to small values.
//
// Host prefixes (/32 and /128), which are nearly all a mesh has, live in a hash table and win
// first: they are the longest. Everything else is a binary trie per family, walked bit by bit.
// Lookups do not allocate. One thread, or any number of readers while nobody writes.
#pragma once

#include <memory>
#include <optional>
#include <unordered_map>

#include "proto/netaddr/prefix.h"

namespace aya {

template <class T>
class PrefixTable {
 public:
  // Replaces what stood at exactly this prefix. Host bits are ignored.
  void set(const Prefix& prefix, T value) {
    const Prefix key = prefix.masked();
    if (key.is_host()) {
      hosts_.insert_or_assign(key.address, std::move(value));
      return;
    }
    Node* at = &root(key.address);
    for (unsigned i = 0; i < key.length; ++i) {
      auto& child = at->children[key.address.bit(i) ? 1 : 0];
      if (!child) child = std::make_unique<Node>();
      at = child.get();
    }
    at->value = std::move(value);
  }

  void erase(const Prefix& prefix) {
    const Prefix key = prefix.masked();
    if (key.is_host()) {
      hosts_.erase(key.address);
    } else {
      erase_below(root(key.address), key, 0);
    }
  }

  // The value at exactly this prefix.
  const T* find_exact(const Prefix& prefix) const {
    const Prefix key = prefix.masked();
    if (key.is_host()) {
      const auto found = hosts_.find(key.address);
      return found == hosts_.end() ? nullptr : &found->second;
    }
    const Node* at = &root(key.address);
    for (unsigned i = 0; i < key.length && at != nullptr; ++i) {
      at = at->children[key.address.bit(i) ? 1 : 0].get();
    }
    return at != nullptr && at->value ? &*at->value : nullptr;
  }

  // The value of the longest prefix holding `address`. Valid until the next change of the table.
  const T* find(const IpAddress& address) const {
    if (const auto host = hosts_.find(address); host != hosts_.end()) return &host->second;
    const Node* at = &root(address);
    const T* best = nullptr;
    for (unsigned i = 0; at != nullptr; ++i) {
      if (at->value) best = &*at->value;
      if (i == address.bit_length()) break;
      at = at->children[address.bit(i) ? 1 : 0].get();
    }
    return best;
  }

  void clear() {
    hosts_.clear();
    v4_ = Node{};
    v6_ = Node{};
  }

 private:
  struct Node {
    std::optional<T> value;
    std::unique_ptr<Node> children[2];
    bool empty() const { return !value && !children[0] && !children[1]; }
  };

  Node& root(const IpAddress& address) { return address.is_v4() ? v4_ : v6_; }
  const Node& root(const IpAddress& address) const { return address.is_v4() ? v4_ : v6_; }

  // Depth is at most 128, so recursion is bounded. Branches left empty are pruned on the way up.
  static void erase_below(Node& at, const Prefix& key, unsigned depth) {
    if (depth == key.length) {
      at.value.reset();
      return;
    }
    auto& child = at.children[key.address.bit(depth) ? 1 : 0];
    if (!child) return;
    erase_below(*child, key, depth + 1);
    if (child->empty()) child.reset();
  }

  std::unordered_map<IpAddress, T> hosts_;
  Node v4_;
  Node v6_;
};

}  // namespace aya
