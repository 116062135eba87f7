#include <algorithm>

#include "daemon/tunnel/engine.h"
#include "proto/crypto/x25519.h"

namespace aya::tunnel {

using namespace wireguard;

// ---- sending

const crypto::Key32* Tunnel::Engine::static_static_of(Peer& peer) {
  if (!peer.ss) peer.ss = noise::static_static(self_, peer.config.public_key);
  return peer.ss ? &*peer.ss : nullptr;
}

noise::Timestamp Tunnel::Engine::next_timestamp() {
  // A clock that stepped back would make us a replay in the eyes of every peer.
  last_timestamp = std::max(options.wall_clock(), last_timestamp + kTimestampStep);
  return timestamp_of(last_timestamp);
}

void Tunnel::Engine::initiate(Peer& peer, bool retry, TimePoint now, Effects& out) {
  if (!retry) peer.timers.train_begins(now);
  if (peer.handshake_sent_at && now - *peer.handshake_sent_at < peer.timers.distance()) {
    peer.timers.initiation_held_back(*peer.handshake_sent_at, rng_);
    return rearm(peer);
  }
  const crypto::Key32* ss = self_.is_zero() ? nullptr : static_static_of(peer);
  if (ss == nullptr) return;  // we, or the peer, have no usable key

  Packet packet = pool_.take();
  packet.resize(sizeof(HandshakeInitiation));
  auto& message = *view<HandshakeInitiation>(packet.mutable_bytes());
  auto initiator = noise::Ikpsk2Initiator::begin(
      self_public, peer.config.public_key, *ss, crypto::new_x25519_private(rng_), next_timestamp(),
      message.noise);
  if (!initiator) return;
  drop_pending(peer);
  const std::uint32_t index = indices_.add(peer.id, nullptr);
  peer.pending = std::make_unique<PendingInitiation>(PendingInitiation{*initiator, index});
  message.type = static_cast<std::uint32_t>(MessageType::Initiation);
  message.sender = index;
  peer.timers.initiation_sent(now, rng_);
  send_handshake_message(peer, std::move(packet), now, out);
  ++counters.initiations_sent;
}

void Tunnel::Engine::send_handshake_message(
    Peer& peer, Packet message, TimePoint now, Effects& out) {
  if (peer.cookie && now >= peer.cookie->until) peer.cookie.reset();
  const std::optional<Cookie> cookie =
      peer.cookie ? std::optional(peer.cookie->cookie) : std::nullopt;
  put_macs(peer.mac_keys, cookie, message.mutable_bytes());
  peer.last_mac1 = view<Macs>(message.bytes().last(sizeof(Macs)))->mac1;
  peer.cookie_may_come = true;
  peer.handshake_sent_at = now;
  peer.tx_bytes += message.size();
  peer.timers.authentic_sent(now);
  rearm(peer);
  out.to_network.push_back({peer.id, std::move(message)});
}

// ---- receiving

void Tunnel::Engine::on_handshake_message(
    MessageType type, Datagram& datagram, TimePoint now, Effects& out) {
  if (self_.is_zero()) return drop(Drop::BadMac1);
  switch (type) {
    case MessageType::Initiation:
      return on_initiation(datagram, now, out);
    case MessageType::Response:
      return on_response(datagram, now, out);
    case MessageType::CookieReply:
      return on_cookie_reply(datagram, now);
    case MessageType::Transport:
      break;
  }
}

bool Tunnel::Engine::admitted(
    Datagram& datagram, std::uint32_t sender, TimePoint now, Effects& out) {
  const Bytes message = datagram.packet.bytes();
  if (!mac1_is_good(own_mac_keys_, message)) return drop(Drop::BadMac1), false;
  const SourceId source{datagram.from, datagram.relay_sender};
  switch (guard_.admit(message, source, now)) {
    case Admission::Granted:
      return true;
    case Admission::RateLimited:
      return drop(Drop::RateLimited), false;
    case Admission::Overloaded:
      return drop(Drop::Overloaded), false;
    case Admission::NeedsCookie:
      break;
  }
  drop(Drop::NeedsCookie);
  const Mac& mac1 = view<Macs>(message.last(sizeof(Macs)))->mac1;
  const CookieReply reply = guard_.reply(own_mac_keys_, sender, mac1, source, now);
  out.to_source.push_back(
      {datagram.from, datagram.relay_sender, pool_.copy_of(std::as_bytes(std::span(&reply, 1)))});
  ++counters.cookies_sent;
  return false;
}

// Nothing of a peer changes before the timestamp has proven who sent this, and when.
void Tunnel::Engine::on_initiation(Datagram& datagram, TimePoint now, Effects& out) {
  const auto& message = *view<HandshakeInitiation>(datagram.packet.bytes());
  if (!admitted(datagram, message.sender, now, out)) return;
  auto responder = noise::Ikpsk2Responder::read_static(message.noise, self_, self_public);
  if (!responder) return drop(Drop::BadHandshake);
  const auto known = find(responder->initiator());
  if (!known) return drop(Drop::UnknownPeer);
  Peer& peer = *peer_at(*known);
  const crypto::Key32* ss = static_static_of(peer);
  const auto timestamp =
      ss == nullptr ? std::nullopt : responder->read_timestamp(message.noise, *ss);
  if (!timestamp) return drop(Drop::BadHandshake);
  if (*timestamp <= peer.newest_timestamp) return drop(Drop::ReplayedHandshake);
  if (peer.initiation_taken_at && now - *peer.initiation_taken_at < kInitiationInterval) {
    return drop(Drop::HandshakeFlood);
  }
  peer.newest_timestamp = *timestamp;
  peer.initiation_taken_at = now;
  ++counters.initiations_taken;
  note_heard(peer, datagram, now);
  respond(peer, *responder, message.sender, now, out);
}

void Tunnel::Engine::respond(
    Peer& peer, noise::Ikpsk2Responder& responder, std::uint32_t remote_index, TimePoint now,
    Effects& out) {
  Packet packet = pool_.take();
  packet.resize(sizeof(HandshakeResponse));
  auto& message = *view<HandshakeResponse>(packet.mutable_bytes());
  const auto keys = responder.write_response(
      peer.config.preshared_key, crypto::new_x25519_private(rng_), message.noise);
  if (!keys) return drop(Drop::BadHandshake);
  const std::uint32_t index = indices_.add(peer.id, nullptr);
  message.type = static_cast<std::uint32_t>(MessageType::Response);
  message.sender = index;
  message.receiver = remote_index;
  install_as_responder(peer, new_session(peer, *keys, index, remote_index, now));
  send_handshake_message(peer, std::move(packet), now, out);
  ++counters.responses_sent;
}

void Tunnel::Engine::on_response(Datagram& datagram, TimePoint now, Effects& out) {
  const auto& message = *view<HandshakeResponse>(datagram.packet.bytes());
  if (!admitted(datagram, message.sender, now, out)) return;
  const IndexTable::Entry* entry = indices_.find(message.receiver);
  if (entry == nullptr || entry->session != nullptr) return drop(Drop::BadHandshake);
  Peer& peer = *peer_at(entry->peer);
  AYA_CHECK(peer.pending != nullptr && peer.pending->index == message.receiver);
  const auto keys =
      peer.pending->noise.read_response(message.noise, self_, peer.config.preshared_key);
  if (!keys) return drop(Drop::BadHandshake);
  ++counters.responses_taken;
  note_heard(peer, datagram, now);
  peer.pending.reset();  // its index lives on as the session's
  install_as_initiator(peer, new_session(peer, *keys, message.receiver, message.sender, now));
  complete_handshake(peer, out);
  // Confirms the session to the responder, which must not use it before.
  send_keepalive(peer, now, out);
}

void Tunnel::Engine::on_cookie_reply(const Datagram& datagram, TimePoint now) {
  const auto& message = *view<CookieReply>(datagram.packet.bytes());
  const IndexTable::Entry* entry = indices_.find(message.receiver);
  if (entry == nullptr) return drop(Drop::UnknownIndex);
  Peer& peer = *peer_at(entry->peer);
  if (!peer.cookie_may_come) return drop(Drop::BadCookie);
  const auto cookie = open_cookie(peer.mac_keys, message, peer.last_mac1);
  if (!cookie) return drop(Drop::BadCookie);
  // Not sent at once: the next retry carries it, so a busy responder sets the pace.
  peer.cookie = HeldCookie{*cookie, now + kCookieUse};
  peer.cookie_may_come = false;
  ++counters.cookies_taken;
}

void Tunnel::Engine::complete_handshake(Peer& peer, Effects& out) {
  peer.timers.handshake_complete();
  drop_pending(peer);
  peer.last_handshake = options.wall_clock();
  out.handshakes_done.push_back(peer.id);
}

// ---- keypairs

std::unique_ptr<Session> Tunnel::Engine::new_session(
    Peer& peer, const noise::SessionKeys& keys, std::uint32_t local_index,
    std::uint32_t remote_index, TimePoint now) {
  auto session = std::make_unique<Session>();
  session->peer = peer.id;
  session->keys = keys;
  session->local_index = local_index;
  session->remote_index = remote_index;
  session->born = now;
  indices_.become_session(local_index, session.get());
  peer.timers.session_derived(now);
  return session;
}

void Tunnel::Engine::install_as_initiator(Peer& peer, std::unique_ptr<Session> session) {
  Keypairs& pairs = peer.keypairs;
  session->is_ours = true;
  retire(std::move(pairs.previous));
  if (pairs.next != nullptr) {
    retire(std::move(pairs.current));
    pairs.previous = std::move(pairs.next);
  } else {
    pairs.previous = std::move(pairs.current);
  }
  pairs.current = std::move(session);
}

void Tunnel::Engine::install_as_responder(Peer& peer, std::unique_ptr<Session> session) {
  retire(std::move(peer.keypairs.previous));
  retire(std::move(peer.keypairs.next));
  peer.keypairs.next = std::move(session);
}

void Tunnel::Engine::promote_next(Peer& peer) {
  Keypairs& pairs = peer.keypairs;
  retire(std::move(pairs.previous));
  pairs.previous = std::move(pairs.current);
  pairs.current = std::move(pairs.next);
}

void Tunnel::Engine::retire(std::unique_ptr<Session> session) {
  if (session == nullptr) return;
  indices_.remove(session->local_index);
  retired_.push_back(std::move(session));
}

void Tunnel::Engine::drop_pending(Peer& peer) {
  if (peer.pending == nullptr) return;
  indices_.remove(peer.pending->index);
  peer.pending.reset();
}

void Tunnel::Engine::drop_sessions(Peer& peer) {
  retire(std::move(peer.keypairs.previous));
  retire(std::move(peer.keypairs.current));
  retire(std::move(peer.keypairs.next));
}

}  // namespace aya::tunnel
