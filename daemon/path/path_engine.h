// The endpoint engine: for every peer, which path its packets take (nat-traversal 4).
//
// A peer is reachable through its home relay from the first packet on. Traffic in either direction
// starts discovery: DISCO pings go to every address the peer may have, a CallMeMaybe through the
// relay asks it to ping back, and the first pong proves a direct path. From then on a ping every 3
// s keeps it proven; when pongs stop, packets go both ways until the path is proven again or given
// up.
//
//   Relayed --first pong--> Direct, trusted --pongs stop--> Direct, doubted --ping lost--> Relayed
//                             ^--------------pong---------------'
//
// The engine neither sends nor reads a clock. Each call may add to Effects; the caller carries them
// out and calls advance() no later than next_deadline(). Peer relays (Geneve) are not handled here:
// give on_disco() datagrams without a Geneve header only. Input of peers is never trusted: what is
// bad is counted in drops() and has no effect.
//
//   route = paths.route(peer);              // per packet, allocates nothing
//   paths.note_traffic(peer, now, fx);      // once per batch that goes out to `peer`
//   paths.on_wireguard_heard(peer, from, now, fx);  // once per batch that came in and
//   authenticated paths.on_disco(bytes, from, relay_sender, now, fx); for (auto& send : fx.sends)
//   ...; timer.arm(paths.next_deadline());
//
// One thread owns an engine; `rng` outlives it.
#pragma once

#include <memory>
#include <vector>

#include "daemon/path/constants.h"
#include "proto/base/rng.h"
#include "proto/base/time.h"
#include "proto/keys/private_key.h"
#include "proto/packet/path_address.h"
#include "proto/packet/peer_id.h"

namespace aya::path {

// What the netmap says about a peer.
struct PeerPath {
  NodePublicKey node_key;
  DiscoPublicKey disco_key;  // zero: the peer speaks no DISCO (plain_path.h)
  std::vector<Endpoint> endpoints;
  RegionId home_region = 0;
  unsigned capability_version = 0;
};

struct DiscoSend {
  PathAddress to;
  NodePublicKey peer;  // whom a relay must hand it to
  Buffer datagram;
};

struct PathChange {
  PeerId peer;
  PathAddress from, to;  // relayed without a known region: a none address
};

// Numbers a cli_ping(); chosen by the caller.
using PingId = StrongId<struct PingIdTag, std::uint64_t>;

struct PingDone {
  PingId id;
  PeerId peer;
  std::optional<PathAddress> via;  // nullopt: nothing answered within kPingTimeout
  Duration latency{};
};

struct Effects {
  std::vector<DiscoSend> sends;
  std::vector<PathChange> changes;
  std::vector<PingDone> pings_done;
  // Our own endpoints are older than kEndpointsFreshFor: ask STUN now, then set_own_endpoints().
  bool wants_restun = false;
  // Hosts to be asked by ICMP echo how far they are; answers within kPlainEchoTimeout go to
  // on_echo().
  std::vector<IpAddress> echoes;

  void clear();  // keeps capacity
};

// Where the next packet to a peer goes.
struct Route {
  PathAddress primary;              // none: there is no way to reach the peer now
  std::optional<PathAddress> also;  // send a copy here too: the direct path is in doubt
};

struct PathStatus {
  std::optional<Endpoint> direct;  // the chosen direct path, trusted or not
  bool trusted = false;
  RegionId relay = 0;  // where relayed packets to it go
  Duration latency{};  // of the direct path
  std::size_t candidates = 0;
  bool active = false;  // traffic within the last kSessionActiveFor
  std::optional<TimePoint> last_heard;
};

// Datagrams of peers and strangers without effect, by reason.
struct Drops {
  std::uint64_t not_disco = 0, unknown_sender = 0, bad_seal = 0, bad_message = 0;
  std::uint64_t wrong_carrier = 0;  // a message that only a relay may bring, or its sender differs
  std::uint64_t unknown_pong = 0;   // late, duplicated or forged
  std::uint64_t duplicate_ping = 0;
  std::uint64_t rate_limited = 0;  // pings beyond the pong budget of a peer
};

class PathEngine {
 public:
  struct Options {
    // Control may forbid heartbeats ("silent disco"): data from the path then extends its trust.
    bool silent = false;
  };

  PathEngine(const DiscoPrivateKey& self, const NodePublicKey& self_node, Rng& rng)
      : PathEngine(self, self_node, rng, Options{}) {}
  PathEngine(
      const DiscoPrivateKey& self, const NodePublicKey& self_node, Rng& rng, Options options);
  ~PathEngine();
  PathEngine(const PathEngine&) = delete;
  PathEngine& operator=(const PathEngine&) = delete;

  DiscoPublicKey disco_key() const;

  // --- what the netmap and the host say ---------------------------------------------------------
  // New or changed facts about a peer. A new disco key voids pings in flight and keeps the path. A
  // new node key under a known id starts the peer afresh.
  void upsert_peer(PeerId peer, const PeerPath& facts, TimePoint now, Effects& out);
  void remove_peer(PeerId peer);
  // The peer said inside the tunnel that this is its disco key now (see tsmp_announcement.h); it
  // holds until the netmap brings a different key than it last did.
  void on_announced_disco_key(PeerId peer, const DiscoPublicKey& key, TimePoint now, Effects& out);
  // Our node key, carried in pings; it changes with a key rotation.
  void set_self_node(const NodePublicKey& self_node);
  void set_silent(bool silent);
  // Just confirmed, best first (daemon/netcheck, OwnEndpoints). Sends what waited for them.
  void set_own_endpoints(std::vector<Endpoint> endpoints, TimePoint now, Effects& out);
  // The network below us changed: every direct path must be proven again.
  void link_changed(TimePoint now, Effects& out);

  // --- traffic
  // ------------------------------------------------------------------------------------
  Route route(PeerId peer, TimePoint now) const;
  void note_traffic(PeerId peer, TimePoint now, Effects& out);
  // An authenticated packet of the peer arrived from there. A new UDP address becomes a candidate
  // and is pinged; only a pong makes it the path.
  void on_wireguard_heard(PeerId peer, const PathAddress& from, TimePoint now, Effects& out);
  // A host answered what Effects::echoes asked.
  void on_echo(const IpAddress& from, Duration latency, TimePoint now, Effects& out);
  // The system refused to send there (host or network unreachable).
  void on_unreachable(PeerId peer, const Endpoint& at, TimePoint now, Effects& out);
  // The relay says that the peer is not connected to that region.
  void on_peer_gone(const NodePublicKey& node, RegionId region);

  // `relay_sender`: the node key the relay names, present exactly when `from` is a relay.
  void on_disco(
      Bytes datagram, const PathAddress& from, const std::optional<NodePublicKey>& relay_sender,
      TimePoint now, Effects& out);

  // Ends in exactly one PingDone: the first pong over any path, or kPingTimeout.
  // `size`: bytes of the whole DISCO message, padded; 0 for the usual 124.
  void cli_ping(PeerId peer, PingId id, std::size_t size, TimePoint now, Effects& out);
  // The same to learn whether the peer lives at all: by its relay, too, while a direct path works.
  void probe(PeerId peer, PingId id, TimePoint now, Effects& out);

  // --- time and questions
  // ---------------------------------------------------------------------------
  void advance(TimePoint now, Effects& out);
  std::optional<TimePoint> next_deadline() const;
  std::optional<PathStatus> status(PeerId peer, TimePoint now) const;
  // Traffic to any peer lately: while false, periodic STUN may rest.
  bool any_active(TimePoint now) const;
  // Peers of such capability take our disco key inside the tunnel after a handshake.
  bool wants_disco_announcement(PeerId peer) const;
  const Drops& drops() const;

 private:
  class Core;
  std::unique_ptr<Core> core_;
};

}  // namespace aya::path
