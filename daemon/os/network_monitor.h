// NetworkMonitor says when the host's network changed: one event for a burst of kernel messages,
// and only when interfaces, addresses or default routes really differ (os-integration 1.8).
//
// The owner waits until poll_fd() is readable and calls on_readable(); then calls advance() no
// later than next_deadline(). One thread.
#pragma once

#include <memory>
#include <optional>

#include "daemon/os/interfaces.h"
#include "proto/base/time.h"

namespace aya::os {

struct NetworkChange {
  // Whether paths or connections may have suffered.
  bool affects_paths() const { return addresses || default_route || slept; }

  bool addresses = false;      // of any interface: endpoints must be found again
  bool default_route = false;  // the way out changed: sockets and relay connections are suspect
  bool routes = false;         // who is near, or who else uses overlay addresses: no path suffers
  bool slept = false;          // the machine was asleep: everything is suspect
  Duration slept_for{};
};

class NetworkMonitor {
 public:
  static constexpr Duration kSettle = 50ms;         // after the last message of a burst,
  static constexpr Duration kSettleAtMost = 500ms;  // but no later than this after its first
  static constexpr Duration kSleepCheckEvery = 15s;

  // `ignored_index`: our TUN, whose changes are our own doing.
  static Result<std::unique_ptr<NetworkMonitor>, OsError> open(
      unsigned ignored_index, TimePoint now);
  virtual ~NetworkMonitor() = default;

  virtual int poll_fd() const = 0;
  // The host tells of no changes: it is looked at every 10 s.
  virtual bool polls() const = 0;
  virtual void on_readable(TimePoint now) = 0;
  virtual std::optional<NetworkChange> advance(TimePoint now) = 0;
  virtual std::optional<TimePoint> next_deadline() const = 0;
  virtual const NetworkSnapshot& snapshot() const = 0;
};

// What differs between two snapshots that matters to paths. Pure.
std::optional<NetworkChange> compare(const NetworkSnapshot& before, const NetworkSnapshot& after);

}  // namespace aya::os
