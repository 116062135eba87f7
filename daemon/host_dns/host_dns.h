// HostDns makes the host ask our resolver while it is wanted, keeps it that way, and gives
// everything back (os-integration 1.9).
//
//   evidence -> decide -> a back end per mode -> applied
//                 ^             |  watched by inotify and by the service's process
//                 |             v
//                 +---- somebody changed it: 250 ms later what is there now is the host's own
//                       configuration, and ours is put on top; three such fights in five seconds
//                       and it is left alone, which `problem` says, to be tried again much later
//
// Lives on a thread of its own, HostDnsLink's, because it waits for disks and programs.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "daemon/host_dns/backend.h"
#include "daemon/host_dns/fights.h"
#include "proto/log/logger.h"

namespace aya::host_dns {

// What a person should know, as a warning of the node's status.
struct Problem {
  std::string code;  // "dns-trampled", "dns-not-set"
  std::string text;

  friend bool operator==(const Problem&, const Problem&) = default;
};

struct State {
  Mode mode = Mode::None;
  Base base;                      // the host's own servers
  std::optional<Wanted> applied;  // what the host is told
  std::optional<Problem> problem;

  friend bool operator==(const State&, const State&) = default;
};

class HostDns {
 public:
  // Undoes what an earlier run left, also after SIGKILL. Nothing else is known before begin().
  HostDns(Places places, Logger& log);
  ~HostDns();  // restores
  HostDns(const HostDns&) = delete;
  HostDns& operator=(const HostDns&) = delete;

  void begin();
  void set_wanted(const std::optional<Wanted>& wanted);
  const State& state() const { return state_; }

  // Waits until `wake` is readable or something has been done that may have changed the state.
  void wait(int wake);

 private:
  void choose();  // mode and back end, from what is there now
  void apply();
  void give_back();
  void look();
  void on_foreign_change();
  void mode_may_be_another();
  void take_base();
  void watch_again();
  void fail(const os::OsError& error);

  Places places_;
  Logger& log_;
  State state_;
  Decision decision_;
  std::optional<Wanted> wanted_;
  std::unique_ptr<Backend> backend_;
  Watch watch_;
  Fights fights_;
  int away_ = 0;  // times in a row that the service was
  std::optional<TimePoint> look_at_;
  std::optional<TimePoint> begin_anew_at_;
  std::optional<TimePoint> give_back_at_;  // the first attempt failed
};

// What a dead daemon left is undone; a living one's is put there again by itself. Needs no daemon,
// does no harm where there is nothing to undo. Returns what was undone, for a person: "" if
// nothing.
Result<std::string, os::OsError> restore_all(const Places& places);

}  // namespace aya::host_dns
