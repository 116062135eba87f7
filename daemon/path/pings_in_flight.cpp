#include "daemon/path/pings_in_flight.h"

#include <algorithm>

namespace aya::path {

std::optional<PingInFlight> PingsInFlight::take(const disco::TxId& tx_id, bool over_relay) {
  const auto found = std::ranges::find(pings_, tx_id, &PingInFlight::tx_id);
  if (found == pings_.end() || found->to.is_relay() != over_relay) return std::nullopt;
  const PingInFlight ping = *found;
  pings_.erase(found);
  return ping;
}

std::optional<PingInFlight> PingsInFlight::take_expired(TimePoint now) {
  if (pings_.empty() || now < pings_.front().sent + kPingTimeout) return std::nullopt;
  const PingInFlight ping = pings_.front();
  pings_.pop_front();
  return ping;
}

std::optional<TimePoint> PingsInFlight::next_deadline() const {
  if (pings_.empty()) return std::nullopt;
  return pings_.front().sent + kPingTimeout;
}

}  // namespace aya::path
