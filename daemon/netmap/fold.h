// The one function that understands the map stream (control 7.1, 14).
#pragma once

#include "daemon/netmap/netmap.h"
#include "daemon/netmap/netmap_delta.h"

namespace aya::netmap {

// Requests that ride on a message, keepalives included. Absent: none, or one already acted on.
struct Events {
  std::optional<control::PingRequest> ping;    // to be answered now (control 4.5)
  std::optional<std::string> pop_browser_url;  // to be opened now
  std::optional<WallTime> control_time;        // the server's clock
  std::optional<control::Debug> debug;
  std::optional<control::ControlDialPlan> dial_plan;
  std::optional<control::ClientVersion> client_version;
};

// Everything fold() remembers.
struct State {
  Netmap netmap;  // after the last message folded

  // A new poll starts from nothing and its first message has to be whole. Until that message is
  // folded `netmap` stays what it was: the data plane goes on with it, and the first delta of the
  // new poll is relative to it.
  void begin_poll() { awaiting_first = true; }
  bool awaiting_first = true;

  std::string last_ping_url, last_browser_url;  // a repetition is not acted on twice
  // Server's clock minus ours; for judging expiry by the server's time.
  Duration clock_skew{0};
};

enum class Outcome {
  Keepalive,    // nothing folded, events may be there
  Folded,       // netmap is new, delta tells how
  MissingNode,  // first message of a poll without a Node: the poll has to be dropped
};

struct FoldResult {
  Outcome outcome = Outcome::Keepalive;
  Events events;
  NetmapDelta delta;
};

FoldResult fold(State& state, control::MapResponse message, WallTime now);

}  // namespace aya::netmap
