// The WireGuard engine: handshakes, sessions, timers, cookies, replay protection and the addresses
// each peer may use (dataplane 1). It knows peers, not paths: datagrams go to a PeerId, and whoever
// owns the sockets decides where that peer is. It serves the mesh and plain WireGuard mode alike.
//
//   tunnel.seal(peer, packets_from_tun, now, effects);    // host -> network
//   tunnel.open(datagrams_from_socket, now, effects);     // network -> host
//   tunnel.advance(now, effects);                         // act on every deadline up to `now`
//   ... carry out `effects`, then effects.clear(); arm a timer for tunnel.next_deadline()
//
// Pure: no sockets, clocks or threads of its own; one thread calls it. seal() and open() allocate
// nothing once `effects`, the pool and the peers' sessions have reached their sizes. What a
// stranger or a faulty peer sends is dropped and counted by reason, see Counters.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "proto/base/time.h"
#include "proto/crypto/aead_batch.h"
#include "proto/keys/private_key.h"
#include "proto/netaddr/prefix.h"
#include "proto/packet/packet_pool.h"
#include "proto/packet/path_address.h"
#include "proto/packet/peer_id.h"

namespace aya::tunnel {

struct Datagram {
  Packet packet;
  PathAddress from;            // the outer source
  NodePublicKey relay_sender;  // who sent it, when `from` is a relay: it stands for the address
};

struct ToPeer {
  PeerId peer;
  Packet datagram;
};
struct ToHost {
  PeerId peer;
  Packet inner;  // a whole IP packet without padding, from an address this peer may use
};
struct ToSource {  // cookie replies: back to where a datagram came from, whoever that is
  PathAddress to;
  NodePublicKey relay_peer;  // the destination, when `to` is a relay
  Packet datagram;
};
// An authentic packet of the peer came from there: whoever owns paths decides about roaming. Once a
// batch and peer, with the source of the last such packet, and how much there was.
struct Heard {
  PeerId peer;
  PathAddress from;
  std::uint64_t packets = 0, bytes = 0;  // as stats() counts them
};

// What the caller must do next. `heard` first: an answer in `to_network` may be for a peer whose
// address is only known by it.
struct Effects {
  std::vector<Heard> heard;
  std::vector<ToPeer> to_network;
  std::vector<ToHost> to_host;
  std::vector<ToSource> to_source;
  std::vector<PeerId> handshakes_done;  // a new session is confirmed in both directions
  // The peer went silent: forget the local address that was last used with it (dataplane 1.9).
  std::vector<PeerId> silent;

  void clear();  // keeps capacity
};

struct PeerConfig {
  NodePublicKey public_key;
  crypto::Key32 preshared_key{};  // zero: none
  Duration keepalive_interval{};  // zero: off. Persistent keepalive
};

struct PeerStats {
  std::uint64_t rx_bytes = 0;  // authentic datagrams, with their WireGuard headers
  std::uint64_t tx_bytes = 0;
  std::optional<WallTime> last_handshake;
  std::size_t staged = 0;    // packets waiting for a session
  bool has_session = false;  // one to send with, maybe expired
  std::size_t sessions = 0;  // that hold keys; at most three
};

// Why something was dropped.
enum class Drop : std::uint8_t {
  NotWireguard,       // unknown type or wrong size
  BadMac1,            // a stranger who does not know our key
  NeedsCookie,        // under load; was answered with a cookie reply
  RateLimited,        // under load, valid mac2, but too many
  Overloaded,         // the handshake backlog is full
  BadHandshake,       // does not decrypt, or answers nothing of ours
  UnknownPeer,        // authentic key of nobody we know; or sent to a peer we do not know
  ReplayedHandshake,  // timestamp not after the last one
  HandshakeFlood,     // within 20 ms of the last one
  BadCookie,
  UnknownIndex,  // of no live session
  ExpiredSession,
  BadSeal,      // data that does not decrypt
  Replayed,     // counter seen before, or too old
  BadInner,     // not IP, or shorter than it says
  WrongSource,  // source address is not this peer's
  StagingFull,  // too many wait for a session; the oldest went
  GaveUp,       // staged, and no handshake in 90 s
  NoRoom,       // packet without head or tail room for header, padding and tag
  kCount
};
std::string_view to_text(Drop reason);

struct Counters {
  std::uint64_t dropped[static_cast<std::size_t>(Drop::kCount)] = {};
  std::uint64_t initiations_sent = 0, initiations_taken = 0;
  std::uint64_t responses_sent = 0, responses_taken = 0;
  std::uint64_t cookies_sent = 0, cookies_taken = 0;
  std::uint64_t keepalives_sent = 0, keepalives_taken = 0;

  std::uint64_t operator[](Drop reason) const { return dropped[static_cast<std::size_t>(reason)]; }
};

struct Options {
  std::function<WallTime()> wall_clock;  // required; read at handshakes only
  std::size_t mtu = 1280;                // of the interface; data is never padded above it
  // What last_timestamp() said before a restart: every handshake is dated later, so that a clock
  // that stepped back does not lock us out of our peers.
  WallTime timestamps_after{};
  crypto::AeadBatch* aead = nullptr;  // borrowed; nullptr: the tunnel owns choose_aead()'s
};

class Tunnel {
 public:
  // `rng` and `pool` outlive the tunnel.
  Tunnel(const NodePrivateKey& self, Rng& rng, PacketPool& pool, Options options);
  ~Tunnel();
  Tunnel(const Tunnel&) = delete;
  Tunnel& operator=(const Tunnel&) = delete;

  // ---- configuration

  // Adds a peer under a number of the caller's choice (small: it indexes a table), or changes it. A
  // changed preshared key reaches the next handshake and leaves the session alone; another public
  // key under the same number is another peer, without addresses. False, and no change: another
  // number already has this key.
  bool upsert_peer(PeerId id, const PeerConfig& config);
  void remove_peer(PeerId id);

  // The addresses the peer may use, and by which packets find it. A prefix belongs to one peer: the
  // last one given it. A packet belongs to the longest prefix over all peers. No effect for an
  // unknown peer.
  void set_allowed_ips(PeerId id, std::span<const Prefix> prefixes);
  void add_allowed_ip(PeerId id, const Prefix& prefix);
  void remove_allowed_ip(PeerId id, const Prefix& prefix);
  std::span<const Prefix> allowed_ips(PeerId id) const;  // until the next change

  // Sessions of the old key still open what they get, but seal nothing more.
  void set_private_key(const NodePrivateKey& self);
  void set_mtu(std::size_t mtu);

  // ---- packets

  std::optional<PeerId> peer_for(const IpAddress& destination) const;
  std::optional<PeerId> find(const NodePublicKey& key) const;

  // Takes the packets out of the span. What cannot be sealed yet waits for a session, at most 128 a
  // peer. Packets need Packet::kHeadroom in front and Packet::kTailroom behind.
  void seal(PeerId to, std::span<Packet> inner, TimePoint now, Effects& out);
  void open(std::span<Datagram> datagrams, TimePoint now, Effects& out);
  void advance(TimePoint now, Effects& out);
  // The peer is known to be a new process, which holds no session of ours: without this, packets
  // would be lost until the silence is noticed. Where there was a session, or packets wait for one,
  // a new handshake starts at once; and as the news may have come before the peer can be reached,
  // it is repeated after 0.5, 1 and 2 s before it falls into WireGuard's pace.
  void peer_restarted(PeerId id, TimePoint now, Effects& out);
  // May be early, never late. nullopt: nothing to wait for.
  std::optional<TimePoint> next_deadline() const;

  // ---- what people ask

  const NodePublicKey& public_key() const;
  std::optional<PeerConfig> config(PeerId id) const;
  std::optional<PeerStats> stats(PeerId id) const;  // nullopt: unknown peer
  const Counters& counters() const;
  WallTime last_timestamp() const;
  std::string_view aead_name() const;

 private:
  class Engine;
  std::unique_ptr<Engine> engine_;
};

}  // namespace aya::tunnel
