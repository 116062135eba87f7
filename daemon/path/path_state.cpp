#include "daemon/path/path_state.h"

namespace aya::path {
namespace {

std::int64_t latency_points(Duration fast, Duration slow) {
  return fast < slow ? 100 - 100 * fast.count() / slow.count() : 0;
}

std::int64_t address_points(const IpAddress& address) {
  std::int64_t points = address.is_v6() ? 10 : 0;
  if (address.is_loopback()) return points + 50;
  if (address.is_link_local_unicast()) return points + 30;
  return address.is_private() ? points + 20 : points;
}

}  // namespace

bool better(const PathQuality& a, const PathQuality& b) {
  if (a.at == b.at && a.peer_relay == b.peer_relay) return a.wire_mtu > b.wire_mtu;
  if (a.peer_relay != b.peer_relay) return b.peer_relay;
  const auto a_points = latency_points(a.latency, b.latency) + address_points(a.at.address);
  const auto b_points = latency_points(b.latency, a.latency) + address_points(b.at.address);
  if (a_points <= 1 && b_points == 0) return false;  // one percent is jitter
  return a_points > b_points;
}

}  // namespace aya::path
