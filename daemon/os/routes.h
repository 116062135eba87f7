// Routes puts the overlay into the host's routing: addresses of the interface, one route per peer
// prefix, and the rules that lead there (os-integration 1.2, 1.3).
//
//   table 16729        peers' prefixes and the service addresses, device TUN, preferred source ours
//   rules 5410..5450   marked packets (marks.h) use the host's own routes; all else asks our table
//
// apply() takes the whole of what is wanted and changes only the difference, new before old: a live
// address edit never leaves the interface without an address, and other peers' flows see nothing.
//
// Addresses and routes die with the interface. Rules survive a killed daemon; they do no harm (the
// table is empty), open() replaces them and remove_rules() ends them. Everything of ours carries
// route protocol 121. One thread; calls block for the kernel's answers only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemon/os/os_error.h"
#include "proto/base/result.h"
#include "proto/netaddr/prefix.h"

namespace aya::os {

inline constexpr std::uint32_t kRouteTable = 16729;  // "AY"
inline constexpr std::uint8_t kRouteProtocol = 121;

struct RouteConfig {
  std::vector<Prefix> addresses;  // own overlay addresses, /32 and /128; the first of a family is
                                  // the preferred source of that family's routes
  std::vector<Prefix> routes;     // into the interface: peers' prefixes, service addresses
  std::vector<Prefix> throws;     // prefixes that stay with the host's own routes

  friend bool operator==(const RouteConfig&, const RouteConfig&) = default;
};

// What apply() would do: pure, and tested as such. Order within a list is order of execution.
struct RouteChange {
  std::vector<Prefix> add_addresses, add_routes, add_throws;
  std::vector<Prefix> remove_routes, remove_throws, remove_addresses;
  bool empty() const;
};
RouteChange difference(const RouteConfig& have, const RouteConfig& want);

class Routes {
 public:
  // `interface_index`: the TUN's. Brings the link up and installs the rules.
  static Result<std::unique_ptr<Routes>, OsError> open(unsigned interface_index);
  virtual ~Routes() = default;  // takes away what apply() and open() made

  // On an error the rest is still done; the first error is returned, and the next apply() tries
  // again what failed. IPv6 is left out without error where the interface has none.
  virtual Result<void, OsError> apply(const RouteConfig& wanted) = 0;
  virtual const RouteConfig& applied() const = 0;
};

// Ends rules that a killed daemon left. Idempotent.
Result<void, OsError> remove_rules();

}  // namespace aya::os
