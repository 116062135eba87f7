#include <algorithm>

#include "daemon/tunnel/engine.h"
#include "proto/crypto/aead.h"

namespace aya::tunnel {

using namespace wireguard;

// ---- host -> network

bool Tunnel::Engine::can_seal(const Peer& peer, TimePoint now) {
  return peer.keypairs.current != nullptr && peer.keypairs.current->seals(now);
}

void Tunnel::Engine::seal(PeerId to, std::span<Packet> inner, TimePoint now, Effects& out) {
  Peer* peer = peer_at(to);
  if (peer == nullptr) {
    drop(Drop::UnknownPeer, inner.size());
    for (Packet& packet : inner) packet = Packet{};
    return;
  }
  if (can_seal(*peer, now) && peer->staged.empty()) {
    for (; !inner.empty(); inner = inner.subspan(std::min(kChunk, inner.size()))) {
      seal_now(*peer, inner.first(std::min(kChunk, inner.size())), now, out);
    }
  } else {
    for (Packet& packet : inner) stage(*peer, std::move(packet));
    send_staged(*peer, now, out);
  }
  rearm(*peer);
}

void Tunnel::Engine::stage(Peer& peer, Packet inner) {
  if (!staging_.push(peer.staged, std::move(inner))) drop(Drop::StagingFull);
}

void Tunnel::Engine::send_staged(Peer& peer, TimePoint now, Effects& out) {
  while (!peer.staged.empty()) {
    if (!can_seal(peer, now)) return initiate(peer, false, now, out);
    std::size_t count = 0;
    while (count < kChunk && !peer.staged.empty()) unstaged_[count++] = staging_.pop(peer.staged);
    seal_now(peer, std::span(unstaged_).first(count), now, out);
  }
}

void Tunnel::Engine::send_keepalive(Peer& peer, TimePoint now, Effects& out) {
  if (peer.staged.empty()) stage(peer, pool_.take());
  send_staged(peer, now, out);
}

// At most kChunk packets, under a session that seals.
void Tunnel::Engine::seal_now(Peer& peer, std::span<Packet> inner, TimePoint now, Effects& out) {
  Session& session = *peer.keypairs.current;
  bool has_data = false;
  const std::size_t framed = frame(session, inner, has_data);
  aead->seal(session.keys.send, std::span(jobs_).first(framed));
  for (Packet& packet : inner) {
    if (!packet) continue;
    peer.tx_bytes += packet.size();
    out.to_network.push_back({peer.id, std::move(packet)});
  }
  if (framed == 0) return;
  peer.timers.authentic_sent(now);
  if (has_data) peer.timers.data_sent(now, rng_);
  if (session.wants_renewal_on_send(now)) initiate(peer, false, now, out);
}

// Puts header and padding around each packet and makes its job; packets that cannot be sent are
// dropped out of `inner`. Returns the number of jobs.
std::size_t Tunnel::Engine::frame(Session& session, std::span<Packet> inner, bool& has_data) {
  std::size_t framed = 0;
  for (Packet& packet : inner) {
    const std::size_t size = packet.size();
    const std::size_t padded = size + padding_for(size, options.mtu);
    if (packet.headroom() < sizeof(TransportHeader) ||
        packet.tailroom() < padded - size + crypto::kTagSize) {
      drop(Drop::NoRoom);
      packet = Packet{};
      continue;
    }
    if (session.next_counter >= kRejectAfterMessages) {
      drop(Drop::ExpiredSession);
      packet = Packet{};
      continue;
    }
    has_data = has_data || size != 0;
    if (size == 0) ++counters.keepalives_sent;
    packet.resize(padded + crypto::kTagSize);
    std::ranges::fill(packet.mutable_bytes().subspan(size, padded - size), std::byte{});
    packet.grow_front(sizeof(TransportHeader));
    auto& header = *view<TransportHeader>(packet.mutable_bytes());
    header.type = static_cast<std::uint32_t>(MessageType::Transport);
    header.receiver = session.remote_index;
    header.counter = session.next_counter;
    jobs_[framed++] = {
        packet.mutable_bytes().data() + sizeof(TransportHeader), static_cast<std::uint32_t>(padded),
        session.next_counter++, false};
  }
  return framed;
}

// ---- network -> host

void Tunnel::Engine::open(std::span<Datagram> datagrams, TimePoint now, Effects& out) {
  for (Datagram& datagram : datagrams) {
    const auto type = message_type(datagram.packet.bytes());
    if (!type) {
      drop(Drop::NotWireguard);
    } else if (*type == MessageType::Transport) {
      collect(datagram, now);
      if (collected_ == kChunk) open_collected(now, out);
    } else {
      open_collected(now, out);  // what came before a handshake message is judged before it
      on_handshake_message(*type, datagram, now, out);
    }
  }
  open_collected(now, out);
  finish_batch(now, out);
  retired_.clear();
}

void Tunnel::Engine::collect(Datagram& datagram, TimePoint now) {
  const auto& header = *view<TransportHeader>(datagram.packet.bytes());
  const IndexTable::Entry* entry = indices_.find(header.receiver);
  if (entry == nullptr || entry->session == nullptr) return drop(Drop::UnknownIndex);
  if (!entry->session->opens(now)) return drop(Drop::ExpiredSession);
  if (header.counter >= kRejectAfterMessages) return drop(Drop::Replayed);
  openings_[collected_++] = {&datagram, entry->session, false};
}

// Packets of several peers arrive mixed: they are opened together by key, and delivered in the
// order in which they came.
void Tunnel::Engine::open_collected(TimePoint now, Effects& out) {
  const auto openings = std::span(openings_).first(collected_);
  for (std::size_t i = 0; i < openings.size(); ++i) {
    const auto same = [&](const Opening& other) { return other.session == openings[i].session; };
    const bool first_of_its_key = std::ranges::none_of(openings.first(i), same);
    if (first_of_its_key) open_group(i);
  }
  for (Opening& opening : openings) deliver(opening, now, out);
  collected_ = 0;
}

void Tunnel::Engine::open_group(std::size_t first) {
  Session& session = *openings_[first].session;
  std::size_t count = 0;
  std::array<Opening*, kChunk> members;
  for (std::size_t i = first; i < collected_; ++i) {
    if (openings_[i].session != &session) continue;
    const MutableBytes datagram = openings_[i].datagram->packet.mutable_bytes();
    members[count] = &openings_[i];
    jobs_[count++] = {
        datagram.data() + sizeof(TransportHeader),
        static_cast<std::uint32_t>(datagram.size() - kTransportOverhead),
        view<TransportHeader>(datagram)->counter, false};
  }
  aead->open(session.keys.receive, std::span(jobs_).first(count));
  for (std::size_t i = 0; i < count; ++i) members[i]->opened = jobs_[i].ok;
}

void Tunnel::Engine::deliver(Opening& opening, TimePoint now, Effects& out) {
  if (!opening.opened) return drop(Drop::BadSeal);
  Packet& packet = opening.datagram->packet;
  Session& session = *opening.session;
  if (!session.replay.accept(view<TransportHeader>(packet.bytes())->counter)) {
    return drop(Drop::Replayed);
  }
  Peer& peer = *peer_at(session.peer);
  note_heard(peer, *opening.datagram, now);
  if (&session == peer.keypairs.next.get()) {
    promote_next(peer);
    complete_handshake(peer, out);
    send_staged(peer, now, out);
  }
  packet.drop_front(sizeof(TransportHeader));
  packet.resize(packet.size() - crypto::kTagSize);
  if (packet.empty()) {
    ++counters.keepalives_taken;
    return;
  }
  peer.batch.data = true;
  if (check_inner(packet, peer.id)) out.to_host.push_back({peer.id, std::move(packet)});
}

// The longest prefix over all peers must be this peer's: that one of its prefixes covers the
// address is not enough.
bool Tunnel::Engine::check_inner(Packet& packet, PeerId from) {
  const auto inner = without_padding(packet.bytes());
  if (!inner) return drop(Drop::BadInner), false;
  packet.resize(inner->size());
  const bool is_v4 = static_cast<unsigned>((*inner)[0]) >> 4 == 4;
  const IpAddress source =
      is_v4 ? IpAddress::v4(inner->subspan<12, 4>()) : IpAddress::v6(inner->subspan<8, 16>());
  if (allowed.owner_of(source) == from) return true;
  return drop(Drop::WrongSource), false;
}

void Tunnel::Engine::note_heard(Peer& peer, const Datagram& datagram, TimePoint now) {
  peer.rx_bytes += datagram.packet.size();
  peer.batch.from = datagram.from;
  ++peer.batch.packets;
  peer.batch.bytes += datagram.packet.size();
  if (peer.batch.heard) return;
  peer.batch.heard = true;
  touched_.push_back(&peer);
  // Now and not at the end of the batch: what is sent in answer has itself not been answered.
  peer.timers.authentic_received(now);
}

void Tunnel::Engine::finish_batch(TimePoint now, Effects& out) {
  for (Peer* peer : touched_) {
    if (peer->batch.data) peer->timers.data_received(now);
    out.heard.push_back({peer->id, peer->batch.from, peer->batch.packets, peer->batch.bytes});
    Session* current = peer->keypairs.current.get();
    if (current != nullptr && current->wants_renewal_on_receive(now)) {
      current->renewing = true;
      initiate(*peer, false, now, out);
    }
    peer->batch = {};
    rearm(*peer);
  }
  touched_.clear();
}

}  // namespace aya::tunnel
