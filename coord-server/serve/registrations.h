// How registrations of nodes ended, for the metrics page. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <utility>

namespace aya::serve {

class Registrations {
 public:
  // The way: "auth_key", "web", or "known" for a node that comes back with its key. The end:
  // "authorized", "waits" for a person, or "refused". Both live as long as the program.
  using Kind = std::pair<std::string_view, std::string_view>;

  void count(std::string_view way, std::string_view end) { ++counts_[{way, end}]; }
  const std::map<Kind, std::uint64_t>& counts() const { return counts_; }

 private:
  std::map<Kind, std::uint64_t> counts_;
};

}  // namespace aya::serve
