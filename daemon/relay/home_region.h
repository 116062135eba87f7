// Which relays to be connected to (nat-traversal 3.2, 3.12): the home region always, others while
// something is sent through them. Pure: it decides, derp_link dials and hangs up.
//
//  - The home connection is kept for ever and redialled with back-off.
//  - Any other is dialled when there is something to send and closed 60 s after the last write.
//  - A new home is dialled first and reported (`home_ready`) once it greets; the old one idles out.
//  - The home does not move while the control server could not learn of it.
//
// One thread; a value but for the Rng it borrows.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <vector>

#include "proto/base/rng.h"
#include "proto/base/time.h"
#include "proto/packet/path_address.h"

namespace aya::relay {

class HomeRegion {
 public:
  struct Preference {
    RegionId region = 0;
    bool is_home = false;
  };
  struct Effects {
    std::vector<RegionId> dial;
    std::vector<RegionId> hang_up;
    std::vector<Preference> note_preferred;  // to be sent on live connections
    std::optional<RegionId> home_ready;      // report it to control now
    void clear() {
      dial.clear();
      hang_up.clear();
      note_preferred.clear();
      home_ready.reset();
    }
  };

  static constexpr Duration kIdleClose = 60s;
  static constexpr Duration kIdleCheck = 15s;

  explicit HomeRegion(Rng& rng);  // rng outlives this

  // The region ids of the current map. Those that vanished, or whose definition `changed`, are hung
  // up; a changed home is forgotten until the next choice.
  void set_regions(std::span<const RegionId> ids, std::span<const RegionId> changed, Effects& out);

  // The outcome of a network check; nullopt: nothing answered. With no home yet, a region is then
  // picked by chance but the same one until the process ends. False: nothing changed, also when the
  // choice was refused because control is away.
  bool choose(
      std::optional<RegionId> measured, bool control_connected, TimePoint now, Effects& out);

  RegionId home() const { return home_; }  // 0: none

  // Something waits to be sent through this region: dials if need be.
  void want(RegionId region, TimePoint now, Effects& out);
  void connected(RegionId region, TimePoint now, Effects& out);  // greeted by the relay
  void heard(RegionId region);                                   // any frame: back-off is over
  void wrote(RegionId region, TimePoint now);
  // Dialling failed, or the connection ended. `wait` is the relay's own wish (Restarting).
  void lost(RegionId region, std::optional<Duration> wait, TimePoint now, Effects& out);

  bool is_connected(RegionId region) const;

  void advance(TimePoint now, Effects& out);
  std::optional<TimePoint> next_deadline() const;

 private:
  enum class Phase { Idle, Dialling, Connected, Waiting };
  struct Link {
    Phase phase = Phase::Idle;
    unsigned failures = 0;
    TimePoint redial_at{};  // Waiting
    TimePoint last_write{};
    bool wanted = false;  // something waited while it was not connected
  };

  void dial(RegionId region, Link& link, TimePoint now, Effects& out);
  void forget(RegionId region, Effects& out);
  void set_home(RegionId region, TimePoint now, Effects& out);
  RegionId chance() const;
  Duration back_off(unsigned failures);

  Rng& rng_;
  std::uint32_t seed_;
  std::vector<RegionId> known_;
  std::map<RegionId, Link> links_;
  RegionId home_ = 0;
  std::optional<TimePoint> idle_check_at_;
};

}  // namespace aya::relay
