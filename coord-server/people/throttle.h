// How often somebody may be wrong. The fifth failure in a row costs a second, every further one
// twice as long, up to a limit; success or a quiet while forgives. Nobody is locked out for good.
//
// Bounded: of too many names the one that failed longest ago is forgotten. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "proto/base/time.h"

namespace aya::people {

class Throttle {
 public:
  static constexpr unsigned kFree = 4;
  static constexpr auto kForgiven = std::chrono::hours(1);
  static constexpr std::size_t kMost = 4096;

  explicit Throttle(std::chrono::seconds longest) : longest_(longest) {}

  // How long `who` still has to wait; zero is not at all.
  std::chrono::seconds wait(const std::string& who, WallTime now) const;
  void failed(const std::string& who, WallTime now);
  void succeeded(const std::string& who) { entries_.erase(who); }

 private:
  struct Entry {
    unsigned failures = 0;
    WallTime last{};
    WallTime until{};
  };
  std::chrono::seconds longest_;
  std::map<std::string, Entry> entries_;
};

}  // namespace aya::people
