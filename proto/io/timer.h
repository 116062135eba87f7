// A one-shot timer, made to hold a core's next_deadline(): arm it again after every step. It never
// fires before its deadline. For the rules of lifetime see loop.h.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "proto/io/loop.h"

namespace aya::io {

class Timer {
 public:
  Timer(Loop& loop, std::function<void()> fired);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Replaces the earlier deadline; nullopt disarms. The same deadline again costs nothing.
  void arm(std::optional<TimePoint> deadline);
  void arm_in(Duration from_now);
  void disarm() { arm(std::nullopt); }
  std::optional<TimePoint> armed() const;

 private:
  struct Impl;
  Impl* impl_;  // freed by libuv's close callback, which comes after the destructor
};

}  // namespace aya::io
