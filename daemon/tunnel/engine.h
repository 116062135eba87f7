// The inside of Tunnel. Its parts lie in engine_config, engine_handshake, engine_data and
// engine_timers .cpp; what they share is here.
#pragma once

#include <array>
#include <unordered_map>

#include "daemon/tunnel/allowed_ips.h"
#include "daemon/tunnel/cookie_guard.h"
#include "daemon/tunnel/index_table.h"
#include "daemon/tunnel/peer.h"
#include "daemon/tunnel/timer_queue.h"
#include "daemon/tunnel/tunnel.h"

namespace aya::tunnel {

class Tunnel::Engine {
 public:
  Engine(const NodePrivateKey& self, Rng& rng, PacketPool& pool, Options options);

  // Configuration (engine_config.cpp)
  bool upsert_peer(PeerId id, const PeerConfig& config);
  void remove_peer(PeerId id);
  void set_private_key(const NodePrivateKey& self);
  std::optional<PeerId> find(const NodePublicKey& key) const;
  std::optional<PeerConfig> config(PeerId id) const;
  std::optional<PeerStats> stats(PeerId id) const;

  // Packets (engine_data.cpp)
  void seal(PeerId to, std::span<Packet> inner, TimePoint now, Effects& out);
  void open(std::span<Datagram> datagrams, TimePoint now, Effects& out);

  // Time (engine_timers.cpp)
  void advance(TimePoint now, Effects& out);
  void peer_restarted(PeerId id, TimePoint now, Effects& out);

  AllowedIps allowed;
  Counters counters;
  TimerQueue timers;
  Options options;
  crypto::AeadBatch* aead;
  NodePublicKey self_public;
  WallTime last_timestamp;

 private:
  static constexpr std::size_t kChunk = 64;  // packets under one AEAD call

  // A transport datagram on its way from arrival to delivery.
  struct Opening {
    Datagram* datagram;
    Session* session;
    bool opened;
  };

  Peer* peer_at(PeerId id) const;
  bool knows(PeerId id) const { return peer_at(id) != nullptr; }
  void drop(Drop reason, std::uint64_t count = 1) {
    counters.dropped[static_cast<std::size_t>(reason)] += count;
  }
  void rearm(Peer& peer);

  // Handshakes (engine_handshake.cpp)
  void initiate(Peer& peer, bool retry, TimePoint now, Effects& out);
  void on_handshake_message(
      wireguard::MessageType type, Datagram& datagram, TimePoint now, Effects& out);
  bool admitted(Datagram& datagram, std::uint32_t sender, TimePoint now, Effects& out);
  void on_initiation(Datagram& datagram, TimePoint now, Effects& out);
  void respond(
      Peer& peer, noise::Ikpsk2Responder& responder, std::uint32_t remote_index, TimePoint now,
      Effects& out);
  void on_response(Datagram& datagram, TimePoint now, Effects& out);
  void on_cookie_reply(const Datagram& datagram, TimePoint now);
  const crypto::Key32* static_static_of(Peer& peer);
  noise::Timestamp next_timestamp();
  void send_handshake_message(Peer& peer, Packet message, TimePoint now, Effects& out);
  void complete_handshake(Peer& peer, Effects& out);

  // Keypairs (engine_handshake.cpp)
  std::unique_ptr<Session> new_session(
      Peer& peer, const noise::SessionKeys& keys, std::uint32_t local_index,
      std::uint32_t remote_index, TimePoint now);
  void install_as_initiator(Peer& peer, std::unique_ptr<Session> session);
  void install_as_responder(Peer& peer, std::unique_ptr<Session> session);
  void promote_next(Peer& peer);
  void retire(std::unique_ptr<Session> session);
  void drop_pending(Peer& peer);
  void drop_sessions(Peer& peer);

  // Data (engine_data.cpp)
  static bool can_seal(const Peer& peer, TimePoint now);
  void stage(Peer& peer, Packet inner);
  void send_staged(Peer& peer, TimePoint now, Effects& out);
  void send_keepalive(Peer& peer, TimePoint now, Effects& out);
  void seal_now(Peer& peer, std::span<Packet> inner, TimePoint now, Effects& out);
  std::size_t frame(Session& session, std::span<Packet> inner, bool& has_data);
  void collect(Datagram& datagram, TimePoint now);
  void open_collected(TimePoint now, Effects& out);
  void open_group(std::size_t first);
  void deliver(Opening& opening, TimePoint now, Effects& out);
  bool check_inner(Packet& packet, PeerId from);
  void note_heard(Peer& peer, const Datagram& datagram, TimePoint now);
  void finish_batch(TimePoint now, Effects& out);

  Rng& rng_;
  PacketPool& pool_;
  std::unique_ptr<crypto::AeadBatch> own_aead_;
  NodePrivateKey self_;
  wireguard::MacKeys own_mac_keys_;
  CookieGuard guard_;
  IndexTable indices_;
  Staging staging_;
  std::vector<std::unique_ptr<Peer>> peers_;  // by PeerId
  std::unordered_map<NodePublicKey, PeerId> by_key_;

  // Work space of one call.
  std::array<crypto::AeadJob, kChunk> jobs_;
  std::array<Opening, kChunk> openings_;
  std::array<Packet, kChunk> unstaged_;
  std::size_t collected_ = 0;
  std::vector<Peer*> touched_;
  // Sessions that were replaced while packets of theirs were still in the batch; emptied at its
  // end.
  std::vector<std::unique_ptr<Session>> retired_;
};

}  // namespace aya::tunnel
