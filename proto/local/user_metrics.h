// What a node counts, in the Prometheus text format under the names that dashboards of tailscaled
// know (interfaces 8.1). Names of ours start with "ayatori_".
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace aya::local {

// How packets of a peer came or went.
enum class Way : std::uint8_t { Relay, DirectV4, DirectV6 };
inline constexpr std::size_t kWayCount = 3;

enum class DropReason : std::uint8_t {
  Acl,  // no rule allows it
  Error,
  Fragment,
  LinkLocalUnicast,
  Multicast,
  TooShort,
  UnknownProtocol,
};
inline constexpr std::size_t kDropReasonCount = 7;

struct Traffic {
  std::uint64_t packets = 0, bytes = 0;
};

// Only ever grows while the daemon runs, also over `down` and `up`.
struct TrafficTotals {
  std::array<Traffic, kWayCount> in{}, out{};  // by Way; WireGuard datagrams
  std::array<std::uint64_t, kDropReasonCount> dropped_in{}, dropped_out{};
  std::uint64_t handshakes_done = 0, handshakes_given_up = 0;
  std::uint64_t became_direct = 0, became_relayed = 0;  // ways to peers

  void add(const TrafficTotals& more);
  Traffic& in_by(Way way) { return in[static_cast<std::size_t>(way)]; }
  Traffic& out_by(Way way) { return out[static_cast<std::size_t>(way)]; }
  std::uint64_t& dropped_in_by(DropReason why) { return dropped_in[static_cast<std::size_t>(why)]; }
  std::uint64_t& dropped_out_by(DropReason why) {
    return dropped_out[static_cast<std::size_t>(why)];
  }
};

struct UserMetrics {
  TrafficTotals totals;
  std::size_t advertised_routes = 0;  // without default routes, which are the offer of an exit node
  std::size_t approved_routes = 0;
  std::size_t health_warnings = 0;
  int home_region = 0;
  bool control_connected = false;
  std::string version;
};
std::string to_prometheus(const UserMetrics& metrics);

// A counter for whoever looks for a fault; names are not promised to stay.
struct InternalCounter {
  std::string name;
  std::uint64_t value = 0;
};
std::string to_prometheus(const std::vector<InternalCounter>& counters);

}  // namespace aya::local
