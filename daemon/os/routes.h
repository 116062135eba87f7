// Routes puts the overlay into the host's routing: addresses of the interface, one route per peer
// prefix, and the rules that lead there (os-integration 1.2, 1.3).
//
//   table 16729        peers' prefixes and the service addresses, device TUN, preferred source
//   ours;
//                      throw: stays with the host's own routes; unreachable: goes nowhere
//   rules 5410..5450   marked packets (marks.h) use the host's own routes; all else asks our table
//
// apply() takes the whole of what is wanted and changes only the difference, new before old: a live
// address edit never leaves the interface without an address, other peers' flows see nothing, and a
// prefix that changes its kind is replaced in one step, so that nothing slips through in between.
//
// Others on the host delete what they do not know. The owner waits until poll_fd() is readable and
// calls on_readable(), then advance() no later than next_deadline(): what was taken is put back, at
// the pace of repair_pace.h.
//
// Addresses and routes into the interface die with it. Rules, throw and unreachable routes survive
// a killed daemon: open() replaces them, remove_leftovers() ends them. Everything of ours carries
// protocol 121.
//
// A kernel without policy routing gets the peers' routes in its main table, behind its own ones;
// default routes, which would swallow what carries the tunnel, are left out.
//
// One thread; calls block for the kernel's answers only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/os/marks.h"
#include "daemon/os/os_error.h"
#include "proto/base/result.h"
#include "proto/base/time.h"
#include "proto/netaddr/prefix.h"

namespace aya::os {

inline constexpr std::uint32_t kRouteTable = 16729;  // "AY"
inline constexpr std::uint8_t kRouteProtocol = 121;

// Where a prefix stands in several lists, throws win over unreachable, and that over routes.
struct RouteConfig {
  std::vector<Prefix> addresses;  // own overlay addresses, /32 and /128; the first of a family is
                                  // the preferred source of that family's routes
  std::vector<Prefix> routes;     // into the interface: peers' prefixes, service addresses; /0 too
  std::vector<Prefix> throws;     // stay with the host's own routes
  std::vector<Prefix> unreachable;  // answered by the kernel with "unreachable"

  friend bool operator==(const RouteConfig&, const RouteConfig&) = default;
};

// What this host can do.
struct RouteAbilities {
  bool ipv6 = true;            // the interface takes IPv6 addresses
  bool policy_routing = true;  // rules and tables
};

// What can be had of it, every prefix in one list only. An IPv6 default route without IPv6 on the
// interface becomes unreachable: it must not be left to the host's own way out. Pure.
RouteConfig feasible(const RouteConfig& wanted, const RouteAbilities& abilities);

enum class RouteKind : std::uint8_t { Throw, Unreachable, Tunnel };
struct TableRoute {
  Prefix prefix;
  RouteKind kind = RouteKind::Tunnel;
  friend auto operator<=>(const TableRoute&, const TableRoute&) = default;
};

// What apply() would do, in order of execution. Pure; both are feasible().
struct RouteChange {
  std::vector<Prefix> add_addresses;
  std::vector<TableRoute> put;  // each replaces what stands at its prefix
  std::vector<TableRoute> remove;
  std::vector<Prefix> remove_addresses;
  bool empty() const;
};
RouteChange difference(const RouteConfig& have, const RouteConfig& want);

class Routes {
 public:
  // `interface_index`: the TUN's. Brings the link up and installs the rules.
  static Result<std::unique_ptr<Routes>, OsError> open(
      unsigned interface_index, const BypassMark& mark);
  virtual ~Routes() = default;  // takes away what apply() and open() made

  // On an error the rest is still done; the first error is returned, and the next apply() tries
  // again what failed. IPv6 is left out without error where the interface has none.
  virtual Result<void, OsError> apply(const RouteConfig& wanted) = 0;

  virtual int poll_fd() const = 0;
  virtual void on_readable(TimePoint now) = 0;
  // True: something had been taken away and stands again.
  virtual Result<bool, OsError> advance(TimePoint now) = 0;
  virtual std::optional<TimePoint> next_deadline() const = 0;
  // Another program takes our rules or routes away again and again.
  virtual bool is_contested(TimePoint now) const = 0;

  virtual RouteAbilities abilities() const = 0;
};

// Ends rules and routes that a killed daemon left. Idempotent.
Result<void, OsError> remove_leftovers();

}  // namespace aya::os
