#include "daemon/tunnel/engine.h"

namespace aya::tunnel {

Tunnel::Engine::Engine(const NodePrivateKey& self, Rng& rng, PacketPool& pool, Options chosen)
    : options(std::move(chosen)),
      aead(options.aead),
      last_timestamp(options.timestamps_after),
      rng_(rng),
      pool_(pool),
      guard_(rng),
      indices_(rng) {
  AYA_CHECK(options.wall_clock != nullptr);
  if (aead == nullptr) {
    own_aead_ = crypto::choose_aead().aead;
    aead = own_aead_.get();
  }
  set_private_key(self);
}

Peer* Tunnel::Engine::peer_at(PeerId id) const {
  return id.value < peers_.size() ? peers_[id.value].get() : nullptr;
}

bool Tunnel::Engine::upsert_peer(PeerId id, const PeerConfig& config) {
  if (const auto holder = find(config.public_key); holder && *holder != id) return false;
  Peer* peer = peer_at(id);
  if (peer != nullptr && peer->config.public_key != config.public_key) {
    remove_peer(id);
    peer = nullptr;
  }
  if (peer == nullptr) {
    if (id.value >= peers_.size()) peers_.resize(id.value + 1);
    peers_[id.value] = std::make_unique<Peer>(id, config);
    peer = peers_[id.value].get();
    by_key_.emplace(config.public_key, id);
    timers.admit(id);
    touched_.reserve(by_key_.size());
  }
  peer->config = config;
  peer->timers.set_persistent(config.keepalive_interval);
  rearm(*peer);
  return true;
}

void Tunnel::Engine::remove_peer(PeerId id) {
  Peer* peer = peer_at(id);
  if (peer == nullptr) return;
  drop_pending(*peer);
  drop_sessions(*peer);
  retired_.clear();
  staging_.clear(peer->staged);
  timers.disarm(id);
  allowed.remove_all(id);
  by_key_.erase(peer->config.public_key);
  peers_[id.value].reset();
}

void Tunnel::Engine::set_private_key(const NodePrivateKey& self) {
  self_ = self;
  self_public = self.is_zero() ? NodePublicKey{} : self.public_key();
  own_mac_keys_ = wireguard::mac_keys_of(self_public);
  for (const auto& peer : peers_) {
    if (peer == nullptr) continue;
    peer->ss.reset();
    peer->handshake_sent_at.reset();
    drop_pending(*peer);
    for (Session* session : {peer->keypairs.current.get(), peer->keypairs.next.get()}) {
      if (session != nullptr) session->retire_from_sealing();
    }
  }
}

std::optional<PeerId> Tunnel::Engine::find(const NodePublicKey& key) const {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<PeerConfig> Tunnel::Engine::config(PeerId id) const {
  const Peer* peer = peer_at(id);
  return peer == nullptr ? std::nullopt : std::optional(peer->config);
}

std::optional<PeerStats> Tunnel::Engine::stats(PeerId id) const {
  const Peer* peer = peer_at(id);
  if (peer == nullptr) return std::nullopt;
  const Keypairs& pairs = peer->keypairs;
  const std::size_t sessions =
      std::size_t{pairs.previous != nullptr} + (pairs.current != nullptr) + (pairs.next != nullptr);
  return PeerStats{peer->rx_bytes,      peer->tx_bytes,           peer->last_handshake,
                   peer->staged.size(), pairs.current != nullptr, sessions};
}

}  // namespace aya::tunnel
