#include "daemon/tunnel/tunnel.h"

#include "daemon/tunnel/engine.h"

namespace aya::tunnel {

void Effects::clear() {
  heard.clear();
  to_network.clear();
  to_host.clear();
  to_source.clear();
  handshakes_done.clear();
  silent.clear();
}

std::string_view to_text(Drop reason) {
  switch (reason) {
    case Drop::NotWireguard:
      return "not WireGuard";
    case Drop::BadMac1:
      return "bad mac1";
    case Drop::NeedsCookie:
      return "needs a cookie";
    case Drop::RateLimited:
      return "rate limited";
    case Drop::Overloaded:
      return "overloaded";
    case Drop::BadHandshake:
      return "bad handshake";
    case Drop::UnknownPeer:
      return "unknown peer";
    case Drop::ReplayedHandshake:
      return "replayed handshake";
    case Drop::HandshakeFlood:
      return "handshake flood";
    case Drop::BadCookie:
      return "bad cookie";
    case Drop::UnknownIndex:
      return "unknown index";
    case Drop::ExpiredSession:
      return "expired session";
    case Drop::BadSeal:
      return "bad seal";
    case Drop::Replayed:
      return "replayed";
    case Drop::BadInner:
      return "bad inner packet";
    case Drop::WrongSource:
      return "wrong source address";
    case Drop::StagingFull:
      return "staging full";
    case Drop::GaveUp:
      return "no handshake in time";
    case Drop::NoRoom:
      return "no room";
    case Drop::kCount:
      break;
  }
  return "?";
}

Tunnel::Tunnel(const NodePrivateKey& self, Rng& rng, PacketPool& pool, Options options)
    : engine_(std::make_unique<Engine>(self, rng, pool, std::move(options))) {}

Tunnel::~Tunnel() = default;

bool Tunnel::upsert_peer(PeerId id, const PeerConfig& config) {
  return engine_->upsert_peer(id, config);
}
void Tunnel::remove_peer(PeerId id) { engine_->remove_peer(id); }

void Tunnel::set_allowed_ips(PeerId id, std::span<const Prefix> prefixes) {
  if (engine_->config(id)) engine_->allowed.replace(id, prefixes);
}
void Tunnel::add_allowed_ip(PeerId id, const Prefix& prefix) {
  if (engine_->config(id)) engine_->allowed.add(id, prefix);
}
void Tunnel::remove_allowed_ip(PeerId id, const Prefix& prefix) {
  engine_->allowed.remove(id, prefix);
}
std::span<const Prefix> Tunnel::allowed_ips(PeerId id) const { return engine_->allowed.of(id); }

void Tunnel::set_private_key(const NodePrivateKey& self) { engine_->set_private_key(self); }
void Tunnel::set_mtu(std::size_t mtu) { engine_->options.mtu = mtu; }

std::optional<PeerId> Tunnel::peer_for(const IpAddress& destination) const {
  return engine_->allowed.owner_of(destination);
}
std::optional<PeerId> Tunnel::find(const NodePublicKey& key) const { return engine_->find(key); }

void Tunnel::seal(PeerId to, std::span<Packet> inner, TimePoint now, Effects& out) {
  engine_->seal(to, inner, now, out);
}
void Tunnel::open(std::span<Datagram> datagrams, TimePoint now, Effects& out) {
  engine_->open(datagrams, now, out);
}
void Tunnel::advance(TimePoint now, Effects& out) { engine_->advance(now, out); }
void Tunnel::peer_restarted(PeerId id, TimePoint now, Effects& out) {
  engine_->peer_restarted(id, now, out);
}
std::optional<TimePoint> Tunnel::next_deadline() const { return engine_->timers.earliest(); }

const NodePublicKey& Tunnel::public_key() const { return engine_->self_public; }
std::optional<PeerConfig> Tunnel::config(PeerId id) const { return engine_->config(id); }
std::optional<PeerStats> Tunnel::stats(PeerId id) const { return engine_->stats(id); }
const Counters& Tunnel::counters() const { return engine_->counters; }
WallTime Tunnel::last_timestamp() const { return engine_->last_timestamp; }
std::string_view Tunnel::aead_name() const { return engine_->aead->name(); }

}  // namespace aya::tunnel
