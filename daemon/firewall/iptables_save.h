// What `iptables-save` prints, as far as rules of ours and rules around them are told apart. Pure.
// Lines that say nothing to us are passed over: comments, and tables' ends.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace aya::firewall {

struct SavedRule {
  std::string chain;
  std::string spec;  // all behind "-A CHAIN "

  // "--comment WORD", quoted or not.
  bool has_comment(std::string_view word) const;
  // The chain or target behind -j or -g; empty: none.
  std::string_view target() const;
  friend bool operator==(const SavedRule&, const SavedRule&) = default;
};

struct SavedTable {
  std::map<std::string, std::string> chains;  // name -> policy; "-" where it is no base chain
  std::vector<SavedRule> rules;               // in order
};

using SavedTables = std::map<std::string, SavedTable>;  // "filter", "nat", ...

SavedTables parse_iptables_save(std::string_view text);

// The same conditions and target, whatever order they are written in.
bool same_spec(std::string_view a, std::string_view b);

}  // namespace aya::firewall
