#include <algorithm>
#include <string>

#include "coord-server/relay_server/hub_state.h"
#include "proto/derp/hello.h"
#include "proto/disco/envelope.h"

namespace aya::relay_server {
namespace {

using derp::FrameType;

constexpr std::size_t kKey = NodePublicKey::kSize;

// A packet that could be a DISCO message: complete up to its nonce.
PacketKind kind_of(Bytes packet) {
  return packet.size() >= disco::kHeaderSize && disco::starts_with_magic(packet)
             ? PacketKind::Disco
             : PacketKind::Other;
}

bool needs_mesh_key(FrameType type) {
  return type == FrameType::ForwardPacket || type == FrameType::WatchConns ||
         type == FrameType::ClosePeer;
}

struct Bounds {
  std::size_t least;
  std::size_t most;
};

// nullopt: not for a relay; skip it.
std::optional<Bounds> bounds_of(FrameType type) {
  switch (type) {
    case FrameType::SendPacket:
      return Bounds{kKey, kKey + derp::kMaxPacket};
    case FrameType::ForwardPacket:
      return Bounds{2 * kKey, 2 * kKey + derp::kMaxPacket};
    case FrameType::NotePreferred:
      return Bounds{1, 1};
    case FrameType::WatchConns:
      return Bounds{0, 0};
    case FrameType::ClosePeer:
      return Bounds{kKey, kKey};
    case FrameType::Ping:
      return Bounds{derp::kMinPing, derp::kMaxPing};
    default:
      return std::nullopt;
  }
}

bool within(const Bounds& bounds, std::size_t length) {
  return length >= bounds.least && length <= bounds.most;
}

}  // namespace

std::optional<CloseReason> DerpHub::State::judge_header(
    RelayClient& client, TimePoint now, Effects& out) {
  const derp::FrameHeader& header = client.reader.header();
  if (!client.greeted) {
    const bool good = header.type == FrameType::ClientInfo &&
                      within({derp::kMinClientInfo, derp::kMaxClientInfo}, header.length);
    if (!good) return CloseReason::BadGreeting;
    return std::nullopt;
  }
  note_spoke(client, now, out);
  charge(client, header.length, now, out);
  if (needs_mesh_key(header.type) && !client.mesh) return CloseReason::NotPermitted;
  const auto bounds = bounds_of(header.type);
  if (bounds && !within(*bounds, header.length)) return CloseReason::BadFrame;
  if (!bounds) {
    ++counters.unknown_frames;
    client.reader.skip();
  }
  return std::nullopt;
}

// The header was judged: sizes fit, and mesh frames come from mesh peers.
std::optional<CloseReason> DerpHub::State::on_frame(
    RelayClient& client, TimePoint now, Effects& out) {
  const Bytes payload = client.reader.payload();
  if (!client.greeted) return greet(client, payload, now, out);
  switch (client.reader.header().type) {
    case FrameType::SendPacket:
      relay_packet(client, payload, now, out);
      break;
    case FrameType::ForwardPacket:
      relay_forwarded(payload, now, out);
      break;
    case FrameType::WatchConns:
      start_watching(client, now, out);
      break;
    case FrameType::NotePreferred:
      if (const auto note = derp::parse_note_preferred(payload)) client.at_home = note->preferred;
      break;
    case FrameType::Ping:
      if (const auto ping = derp::parse_ping(payload)) {
        ++counters.pings;
        output(client, now, out, [&](OutputQueue& queue) { queue.pong(ping->data); });
      }
      break;
    case FrameType::ClosePeer:
      if (const auto victim = derp::parse_close_peer(payload)) {
        close_key(victim->peer, &client, now, out);
        if (victim->peer == client.node) return CloseReason::Evicted;
      }
      break;
    default:
      break;
  }
  return std::nullopt;
}

std::optional<CloseReason> DerpHub::State::greet(
    RelayClient& client, Bytes payload, TimePoint now, Effects& out) {
  const auto greeting = derp::open_client_info(self, payload);
  if (!greeting) return CloseReason::BadGreeting;
  const auto& info = greeting->info;
  client.mesh = options.mesh_key && info.mesh_key && options.mesh_key->matches(*info.mesh_key);
  if (!client.mesh && !admission.admits(greeting->node, client.remote.address)) {
    return CloseReason::NotAdmitted;
  }
  client.greeted = true;
  client.node = greeting->node;
  client.prober = info.is_prober;
  client.greet_by.reset();
  client.keepalive_every =
      kKeepaliveEvery + std::chrono::milliseconds(rng.below(kKeepaliveJitterMs + 1));
  client.keepalive_at = now + client.keepalive_every;
  wake_at_next_timer(client);
  output(client, now, out, [&](OutputQueue& queue) {
    const auto nonce = rng.array<crypto::kBoxNonceSize>();
    AYA_CHECK(derp::write_server_info(self, client.node, nonce, {}, queue.control()));
  });
  client.held = &holders[client.node];
  client.held->add(client);
  announce(client, now, out);
  return std::nullopt;
}

void DerpHub::State::announce(const RelayClient& client, TimePoint now, Effects& out) {
  for (const ConnectionId id : watchers) {
    RelayClient* watcher = find(id);
    AYA_CHECK(watcher != nullptr);
    output(*watcher, now, out, [&](OutputQueue& queue) {
      derp::write_peer_present(
          client.node, client.remote, client.presence_flags(), queue.control());
    });
  }
}

void DerpHub::State::start_watching(RelayClient& client, TimePoint now, Effects& out) {
  if (client.watches) return;
  client.watches = true;
  watchers.push_back(client.id);
  output(client, now, out, [&](OutputQueue& queue) {
    for (const auto& [key, held] : holders) {
      // Also a key whose connections are all silent, as its end will be told.
      const RelayClient& present = held.active() != nullptr ? *held.active() : *held.all().front();
      derp::write_peer_present(key, present.remote, present.presence_flags(), queue.control());
    }
  });
}

void DerpHub::State::note_spoke(RelayClient& client, TimePoint now, Effects& out) {
  client.last_spoke = ++frames_heard;
  if (!client.held->spoke(client, now)) return;
  ++counters.duplicate_alarms;
  const std::string problem =
      "node key in use by " + std::to_string(client.held->all().size()) + " connections";
  for (RelayClient* member : client.held->all()) {
    output(*member, now, out, [&](OutputQueue& queue) {
      derp::write_health(problem, queue.control());
    });
  }
}

// The shell is asked to stop reading until the debt is paid: TCP then slows the sender down.
void DerpHub::State::charge(
    RelayClient& client, std::size_t frame_length, TimePoint now, Effects& out) {
  if (!options.receive_rate || client.mesh) return;
  const auto cost = std::min(static_cast<double>(frame_length), kMinReceiveBurst);
  const Duration wait = client.received.charge(*options.receive_rate, cost, now);
  if (wait == Duration::zero()) return;
  if (!client.paused_until) out.pauses.push_back({client.id, true});
  client.paused_until = now + wait;
  wake(client, client.paused_until);
}

void DerpHub::State::relay_packet(RelayClient& from, Bytes payload, TimePoint now, Effects& out) {
  const auto sent = derp::parse_send_packet(payload);
  if (!sent) return;
  ++counters.packets_received;
  counters.bytes_received += sent->packet.size();
  const PacketKind kind = kind_of(sent->packet);
  const auto held = holders.find(sent->destination);
  if (held == holders.end()) {
    drop(DropReason::UnknownDestination, kind);
    if (kind == PacketKind::Disco) say_not_here(from, sent->destination, now, out);
    return;
  }
  RelayClient* to = held->second.active();
  if (to == nullptr) return drop(DropReason::DuplicateClient, kind);
  if (to->heard_from.insert(from.node).second) listeners[from.node].push_back(to->id);
  deliver(*to, from.node, sent->packet, now, out);
}

// From another relay of the region. Never forwarded again, and its source is not ours to announce.
void DerpHub::State::relay_forwarded(Bytes payload, TimePoint now, Effects& out) {
  const auto sent = derp::parse_forward_packet(payload);
  if (!sent) return;
  ++counters.packets_forwarded_in;
  const PacketKind kind = kind_of(sent->packet);
  const auto held = holders.find(sent->destination);
  if (held == holders.end()) return drop(DropReason::UnknownForwardedDestination, kind);
  if (held->second.active() == nullptr) return drop(DropReason::DuplicateClient, kind);
  deliver(*held->second.active(), sent->source, sent->packet, now, out);
}

void DerpHub::State::deliver(
    RelayClient& to, const NodePublicKey& source, Bytes packet, TimePoint now, Effects& out) {
  const PacketKind kind = kind_of(packet);
  auto frame = frame_for(source, packet);
  if (!frame) return drop(DropReason::QueueTail, kind);
  output(to, now, out, [&](OutputQueue& queue) {
    if (queue.push(kind, std::move(*frame))) drop(DropReason::QueueHead, kind);
  });
}

// The frame is made once, in the slab that then waits in the queue.
std::optional<Packet> DerpHub::State::frame_for(const NodePublicKey& source, Bytes packet) {
  static_assert(derp::kKeyedHeaderSize <= Packet::kHeadroom);
  const bool large = packet.size() > small_packets.max_data();
  if (large && large_packets.in_use() >= kMaxLargeQueued) return std::nullopt;
  Packet frame = (large ? large_packets : small_packets).copy_of(packet);
  frame.grow_front(derp::kKeyedHeaderSize);
  derp::store_keyed_header(
      frame.mutable_bytes().first<derp::kKeyedHeaderSize>(), FrameType::RecvPacket, source,
      packet.size());
  return frame;
}

void DerpHub::State::say_not_here(
    RelayClient& to, const NodePublicKey& missing, TimePoint now, Effects& out) {
  if (!to.not_here_notices.take(kNotHereRate, 1, now)) return;
  output(to, now, out, [&](OutputQueue& queue) {
    derp::write_peer_gone(missing, derp::PeerGone::kNotHere, queue.control());
  });
}

}  // namespace aya::relay_server
