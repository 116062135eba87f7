// Our pings that may still be answered. The transaction id is all the replay protection there is,
// so a ping is taken out by its first pong and forgotten after kPingTimeout.
#pragma once

#include <deque>

#include "daemon/path/path_engine.h"
#include "proto/disco/messages.h"

namespace aya::path {

enum class PingPurpose { Discovery, Heartbeat, Cli };

struct PingInFlight {
  disco::TxId tx_id{};
  PathAddress to;
  TimePoint sent;
  PingPurpose purpose = PingPurpose::Discovery;
  PingId cli;  // purpose Cli only
};

class PingsInFlight {
 public:
  void add(const PingInFlight& ping) { pings_.push_back(ping); }
  // The ping that this pong answers; a pong from the relay answers none that went out by UDP, and
  // the other way round.
  std::optional<PingInFlight> take(const disco::TxId& tx_id, bool over_relay);
  std::optional<PingInFlight> take_expired(TimePoint now);
  std::optional<TimePoint> next_deadline() const;
  void clear() { pings_.clear(); }

 private:
  std::deque<PingInFlight> pings_;  // in the order of sending
};

}  // namespace aya::path
