// What a process on this machine costs: its processor time and its memory, read from /proc.
#pragma once

#include <string>

#include "proto/base/time.h"

namespace aya::load {

class ServerUse {
 public:
  explicit ServerUse(int pid) : pid_(pid) {}

  // Of one core, since the last call (or since it was made).
  double cores(TimePoint now);
  std::size_t rss_kilobytes() const;
  std::size_t peak_kilobytes() const;  // since its start, or the last forget_peak()
  void forget_peak() const;

 private:
  double cpu_seconds() const;
  std::size_t field_of_status(const std::string& name) const;

  int pid_;
  double cpu_before_ = 0;
  TimePoint before_{};
};

}  // namespace aya::load
