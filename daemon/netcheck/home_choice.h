// Which relay is home, with hysteresis, so that neither jitter nor a lost probe moves it: every
// move makes all peers learn a new address (nat-traversal 5.4).
#pragma once

#include <deque>

#include "daemon/netcheck/relay_map.h"
#include "daemon/netcheck/report.h"

namespace aya::netcheck {

inline constexpr Duration kKeepReportsFor = 5min + 5s;
inline constexpr Duration kHomeAliveWithin = 8s;  // a frame from home so lately: it is alive
inline constexpr Duration kHomeMargin = 10ms;     // a gain below this is no reason to move

class HomeChoice {
 public:
  // Takes a finished report and says where home is now; 0 if nothing was ever measured.
  // `began`: when the report's check started.
  RegionId add(const Report& report, TimePoint began, const std::map<RegionId, double>& score);
  // Any frame received from that relay.
  void note_frame(RegionId region, TimePoint now);
  // Home's definition changed or vanished: choose afresh.
  void forget_home();
  RegionId home() const { return home_; }

 private:
  struct Measured {
    TimePoint at;
    std::map<RegionId, Duration> latency;
  };

  bool is_alive(const Report& report, TimePoint began) const;
  bool stays(
      const Report& report, TimePoint began, Duration winner,
      const std::map<RegionId, double>& score) const;

  std::deque<Measured> history_;
  std::map<RegionId, TimePoint> last_frame_;
  RegionId home_ = 0;
  RegionId challenger_ = 0;  // won the previous report; moves home if it wins again
};

// Before anything is measured: a region chosen stably from `seed` (fixed per process), so that an
// isolated node is still reachable somewhere (nat-traversal 3.12). 0: the map has none.
RegionId fallback_home(const RelayMap& map, std::uint32_t seed);

}  // namespace aya::netcheck
