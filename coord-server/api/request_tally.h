// What the API was asked, for the metrics page: by pattern of the route, never by path, so that no
// device, user or address becomes a label. One thread.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <tuple>

#include "coord-server/api/route.h"
#include "proto/base/histogram.h"

namespace aya::api {

class RequestTally {
 public:
  // Pattern ("other" where no route fits), method, status.
  using Kind = std::tuple<std::string_view, std::string_view, int>;

  void count(const Route* route, int status) {
    last_ = route == nullptr ? kOther : std::string_view(route->pattern);
    ++counts_[{last_, route == nullptr ? kOther : std::string_view(route->method), status}];
  }
  // How long the last one took: whoever has a clock says so.
  void took(Duration time) { times_[last_].add(time); }

  const std::map<Kind, std::uint64_t>& counts() const { return counts_; }
  const std::map<std::string_view, Histogram>& times() const { return times_; }
  // With that status, whatever was asked for.
  std::uint64_t with_status(int status) const {
    std::uint64_t sum = 0;
    for (const auto& [kind, count] : counts_) sum += std::get<2>(kind) == status ? count : 0;
    return sum;
  }

 private:
  static constexpr std::string_view kOther = "other";

  std::map<Kind, std::uint64_t> counts_;  // patterns live as long as the program
  std::map<std::string_view, Histogram> times_;
  std::string_view last_ = kOther;
};

}  // namespace aya::api
