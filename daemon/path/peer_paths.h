// One peer's side of the endpoint engine: its candidates, the pings to them and the path in use.
// The picture of the states is in path_engine.h, the figures in constants.h.
#pragma once

#include "daemon/path/candidates.h"
#include "daemon/path/disco_sessions.h"
#include "daemon/path/path_engine.h"
#include "daemon/path/path_state.h"
#include "daemon/path/pings_in_flight.h"
#include "daemon/path/plain_path.h"

namespace aya::path {

// Our own endpoints, as CallMeMaybe tells them.
struct OwnAddresses {
  std::vector<Endpoint> endpoints;
  std::optional<TimePoint> confirmed;
  std::uint64_t generation = 0;  // rises when the set changes; 0: never set

  bool fresh(TimePoint now) const { return confirmed && now - *confirmed < kEndpointsFreshFor; }
};

// What the peers of one engine share.
struct Surroundings {
  DiscoSessions sessions;
  NodePublicKey self_node;
  Rng& rng;
  bool silent = false;
  OwnAddresses own;
  Drops drops;
};

// One call into the engine: when, on whose behalf, and where its consequences go.
struct Step {
  TimePoint now;
  Effects& out;
  Surroundings& around;
};

class PeerPaths {
 public:
  PeerPaths(PeerId id, const PeerPath& facts) : id_(id), node_key_(facts.node_key) {}

  const NodePublicKey& node_key() const { return node_key_; }
  const DiscoPublicKey& disco_key() const { return disco_key_; }
  unsigned capability_version() const { return capability_version_; }

  // The disco key itself is changed by set_disco_key(), because the engine's key table follows it.
  void set_facts(const PeerPath& facts, Step& step);
  void set_disco_key(const DiscoPublicKey& key, Step& step);

  Route route(TimePoint now) const;
  PathStatus status(TimePoint now) const;
  bool active(TimePoint now) const;

  void note_traffic(Step& step);
  void on_heard(const PathAddress& from, Step& step);
  void on_unreachable(const Endpoint& at, Step& step);
  void on_echo(const IpAddress& from, Duration latency);
  void on_gone_from(RegionId region);
  void on_own_endpoints(Step& step);
  void link_changed(Step& step);
  void cli_ping(PingId id, std::size_t size, Step& step);
  void probe(PingId id, Step& step);

  // Messages, already attributed to this peer.
  enum class PingVerdict { Answer, Duplicate, OverBudget };
  PingVerdict on_ping(const disco::Ping& ping, const PathAddress& from, Step& step);
  void answer_ping(const disco::Ping& ping, const PathAddress& from, Step& step);
  // False: not an answer to this peer's pings.
  bool on_pong(const disco::Pong& pong, const PathAddress& from, Step& step);
  void on_call_me_maybe(const disco::CallMeMaybe& call, Step& step);

  void advance(Step& step);
  std::optional<TimePoint> next_deadline() const;

 private:
  bool speaks_disco() const { return !disco_key_.is_zero(); }
  const Direct* direct() const { return std::get_if<Direct>(&state_); }
  Direct* direct() { return std::get_if<Direct>(&state_); }
  bool trusts_direct(TimePoint now) const { return direct() && direct()->trusted(now); }
  std::optional<Endpoint> direct_at() const;
  std::optional<Endpoint> plain_at() const;
  void note_plain_change(const PathAddress& before, Step& step);
  RegionId relay() const;
  PathAddress relay_address() const;
  PathAddress primary() const;

  void send(const PathAddress& to, const disco::Message& message, Step& step);
  void ping(
      const PathAddress& to, PingPurpose purpose, Step& step, PingId cli = {},
      std::size_t size = 0);
  void ping_candidate(Candidate& candidate, PingPurpose purpose, Step& step);
  void check_direct(Step& step);
  bool ping_all(Step& step);
  void discover(Step& step);
  bool paused(TimePoint now) const { return paused_until_ && now < *paused_until_; }
  void forget_failures();
  void call_me_maybe(Step& step);
  void react_to_call(Step& step);
  bool wants_full_ping(TimePoint now) const;

  void take_path(const Endpoint& at, Duration latency, Step& step);
  void drop_path(Step& step);
  void consider(Candidate& candidate, Duration latency, Step& step);
  void finish_cli(PingId id, std::optional<PathAddress> via, Duration latency, Step& step);

  void on_heartbeat(Step& step);
  void on_pong_late(Step& step);
  void on_ping_lost(const PingInFlight& lost, Step& step);

  // Facts.
  PeerId id_;
  NodePublicKey node_key_;
  DiscoPublicKey disco_key_;
  RegionId home_ = 0;
  unsigned capability_version_ = 0;

  // What we found out.
  PathState state_ = Relayed{};
  Candidates candidates_;
  PingsInFlight pings_;
  std::optional<TimePoint> last_sent_, last_heard_, last_round_;
  RegionId heard_through_ = 0;             // the relay it last spoke through
  bool gone_from_home_ = false;            // its home relay does not know it
  PlainPath plain_;                        // only for peers without DISCO
  bool heard_plain_ = false;               // ... from there, not only through a relay
  std::optional<TimePoint> next_round_;    // no discovery before this
  std::optional<TimePoint> paused_until_;  // rounds failed: let bad NAT mappings expire
  unsigned failed_rounds_ = 0;
  bool wants_call_ = false;        // call again when our endpoints change
  std::uint64_t called_with_ = 0;  // generation of our endpoints it was last told
  std::optional<TimePoint> last_reaction_;
  TimePoint pongs_paid_until_;  // pong budget: each pong costs its share of a second
  struct CliWait {
    PingId id;
    TimePoint until;
  };
  std::vector<CliWait> cli_waits_;

  // Timers. Pings in flight have their own.
  std::optional<TimePoint> heartbeat_at_;  // while active: prove the path again
  std::optional<TimePoint> pong_late_at_;  // the path in use has not answered its last ping by then
  bool late_before_ = false;               // ... nor the one before
  std::optional<TimePoint> react_at_;      // a CallMeMaybe came too soon after the previous one
};

}  // namespace aya::path
