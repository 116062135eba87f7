// How long to wait before the next try (control 4.4): n² · 10 ms, at most 30 s, times 0.5 to 1.5.
#pragma once

#include "proto/base/rng.h"
#include "proto/base/time.h"

namespace aya::coord {

class Backoff {
 public:
  explicit Backoff(Rng& rng) : rng_(rng) {}  // rng outlives this

  Duration next();
  void reset() { failures_ = 0; }

 private:
  Rng& rng_;
  std::uint32_t failures_ = 0;
};

// The wait a 429 asks for: seconds or an HTTP date are both in use, and only seconds are taken at
// their word. Absent, unreadable or over an hour: 5 to 10 s.
Duration retry_after(std::string_view field, Rng& rng);

}  // namespace aya::coord
