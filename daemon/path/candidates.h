// The UDP addresses at which one peer may be reachable, where each was learned, and what pings to
// it showed (nat-traversal 4.2). An address stays while any of its sources vouches for it.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "daemon/path/constants.h"
#include "proto/disco/messages.h"
#include "proto/netaddr/endpoint.h"

namespace aya::path {

// An address a datagram may be sent to in the hope of a path: a unicast address with a port,
// outside the overlay (that would loop through our own tunnel) and not a relay's stand-in.
bool is_usable_candidate(const Endpoint& at);

struct Candidate {
  static constexpr std::size_t kRecentPongs = 5;

  Endpoint at;
  bool in_netmap = false;
  bool in_call = false;                 // in the peer's latest CallMeMaybe
  std::optional<TimePoint> learned;     // a ping or a packet from it, or a pong, at this time
  std::optional<TimePoint> last_ping;   // ours, to it
  std::optional<TimePoint> last_check;  // ... because it had pinged us from there
  std::optional<disco::TxId> last_heard_ping;  // theirs, from it
  unsigned better_pongs = 0;                   // in a row, while another path is in use

  void note_latency(Duration latency);
  void forget_history();
  // The least of the recent ones: queues only ever add to it. nullopt: never answered.
  std::optional<Duration> latency() const;

 private:
  std::array<Duration, kRecentPongs> recent_{};
  std::size_t pongs_ = 0;
};

class Candidates {
 public:
  // Replaces what that source vouches for. True: an address is there that was not before.
  bool set_netmap(std::span<const Endpoint> endpoints);
  bool set_call(std::span<const Endpoint> endpoints);
  // nullptr: not usable, or no room for strangers.
  Candidate* learn(const Endpoint& at, TimePoint now);
  Candidate* find(const Endpoint& at);

  // Drops what nobody vouches for any more; `keep` stays (the path in use).
  void expire(TimePoint now, const std::optional<Endpoint>& keep);
  void forget_ping_times();
  void forget_history();

  std::vector<Candidate>& all() { return all_; }
  const std::vector<Candidate>& all() const { return all_; }
  std::size_t size() const { return all_.size(); }
  bool empty() const { return all_.empty(); }

 private:
  bool set_source(bool Candidate::*source, std::span<const Endpoint> endpoints);

  std::vector<Candidate> all_;  // few: searched, not indexed
};

}  // namespace aya::path
