// A set of rules, one bit each.
#pragma once

#include <cstdint>
#include <vector>

namespace aya::policy {

class RuleMask {
 public:
  RuleMask() = default;
  explicit RuleMask(std::size_t rules) : words_((rules + 63) / 64) {}

  void set(std::size_t rule) { words_[rule / 64] |= std::uint64_t{1} << (rule % 64); }
  bool test(std::size_t rule) const { return (words_[rule / 64] >> (rule % 64) & 1) != 0; }
  void add(const RuleMask& more) {
    for (std::size_t i = 0; i < words_.size() && i < more.words_.size(); ++i) {
      words_[i] |= more.words_[i];
    }
  }
  // Have both a rule in common?
  bool meets(const RuleMask& other) const {
    for (std::size_t i = 0; i < words_.size() && i < other.words_.size(); ++i) {
      if ((words_[i] & other.words_[i]) != 0) return true;
    }
    return false;
  }
  friend bool operator==(const RuleMask&, const RuleMask&) = default;

 private:
  std::vector<std::uint64_t> words_;
};

}  // namespace aya::policy
