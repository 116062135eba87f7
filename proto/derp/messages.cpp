#include "proto/derp/messages.h"

#include "proto/base/reader.h"
#include "proto/base/writer.h"

namespace aya::derp {
namespace {

constexpr std::size_t kKeySize = NodePublicKey::kSize;

NodePublicKey read_key(Reader& in) { return NodePublicKey(in.array<kKeySize>()); }

template <class Message>
Result<Message, ParseError> checked(const Reader& in, Message message) {
  if (in.failed()) return ParseError::Truncated;
  return message;
}

Result<FromRelay, ParseError> as_from_relay(const Reader& in, FromRelay message) {
  return checked<FromRelay>(in, std::move(message));
}

RecvPacket read_recv_packet(Reader& in) {
  const NodePublicKey source = read_key(in);
  return {source, in.rest()};
}

PeerGone read_peer_gone(Reader& in) {
  PeerGone gone;
  gone.peer = read_key(in);
  if (in.remaining() > 0) gone.reason = in.u8();
  return gone;
}

// Older relays end after the key, or after the address.
PeerPresent read_peer_present(Reader& in) {
  PeerPresent present;
  present.peer = read_key(in);
  if (in.remaining() >= 16 + 2) {
    const auto address = in.array<16>();
    present.at = Endpoint{IpAddress::from_mapped_16(address), in.u16be()};
    if (in.remaining() > 0) present.flags = in.u8();
  }
  return present;
}

Restarting read_restarting(Reader& in) {
  const std::chrono::milliseconds reconnect_in(in.u32be());
  return {reconnect_in, std::chrono::milliseconds(in.u32be())};
}

Result<void, ParseError> write_keyed(
    FrameType type, const NodePublicKey& key, Bytes packet, Buffer& out) {
  if (packet.size() > kMaxPacket) return ParseError::TooLarge;
  std::array<std::byte, kKeyedHeaderSize> header;
  store_keyed_header(header, type, key, packet.size());
  append(out, header);
  append(out, packet);
  return {};
}

void write_frame(FrameType type, Bytes payload, Buffer& out) {
  write_frame_header(type, payload.size(), out);
  append(out, payload);
}

}  // namespace

Result<FromRelay, ParseError> parse_from_relay(FrameType type, Bytes payload) {
  Reader in(payload);
  switch (type) {
    case FrameType::RecvPacket:
      return as_from_relay(in, read_recv_packet(in));
    case FrameType::KeepAlive:
      return FromRelay(KeepAlive{});
    case FrameType::PeerGone:
      return as_from_relay(in, read_peer_gone(in));
    case FrameType::PeerPresent:
      return as_from_relay(in, read_peer_present(in));
    case FrameType::Ping:
      return as_from_relay(in, Ping{in.array<8>()});
    case FrameType::Pong:
      return as_from_relay(in, Pong{in.array<8>()});
    case FrameType::Health:
      return FromRelay(Health{as_text(payload)});
    case FrameType::Restarting:
      return as_from_relay(in, read_restarting(in));
    default:
      return ParseError::BadType;
  }
}

Result<SendPacket, ParseError> parse_send_packet(Bytes payload) {
  if (payload.size() > kKeySize + kMaxPacket) return ParseError::TooLarge;
  Reader in(payload);
  const NodePublicKey destination = read_key(in);
  return checked(in, SendPacket{destination, in.rest()});
}

Result<ForwardPacket, ParseError> parse_forward_packet(Bytes payload) {
  if (payload.size() > 2 * kKeySize + kMaxPacket) return ParseError::TooLarge;
  Reader in(payload);
  const NodePublicKey source = read_key(in);
  const NodePublicKey destination = read_key(in);
  return checked(in, ForwardPacket{source, destination, in.rest()});
}

Result<NotePreferred, ParseError> parse_note_preferred(Bytes payload) {
  if (payload.size() != 1) return ParseError::BadLength;
  return NotePreferred{payload[0] == std::byte{1}};
}

Result<ClosePeer, ParseError> parse_close_peer(Bytes payload) {
  if (payload.size() != kKeySize) return ParseError::BadLength;
  return ClosePeer{NodePublicKey(payload.first<kKeySize>())};
}

Result<Ping, ParseError> parse_ping(Bytes payload) {
  if (payload.size() > kMaxPing) return ParseError::TooLarge;
  Reader in(payload);
  return checked(in, Ping{in.array<8>()});
}

void store_keyed_header(
    std::span<std::byte, kKeyedHeaderSize> out, FrameType type, const NodePublicKey& key,
    std::size_t packet_size) {
  store_frame_header(out.first<kFrameHeaderSize>(), type, kKeySize + packet_size);
  copy_bytes(out.last<kKeySize>(), key.bytes());
}

Result<void, ParseError> write_send_packet(
    const NodePublicKey& destination, Bytes packet, Buffer& out) {
  return write_keyed(FrameType::SendPacket, destination, packet, out);
}

Result<void, ParseError> write_recv_packet(const NodePublicKey& source, Bytes packet, Buffer& out) {
  return write_keyed(FrameType::RecvPacket, source, packet, out);
}

Result<void, ParseError> write_forward_packet(
    const NodePublicKey& source, const NodePublicKey& destination, Bytes packet, Buffer& out) {
  if (packet.size() > kMaxPacket) return ParseError::TooLarge;
  write_frame_header(FrameType::ForwardPacket, 2 * kKeySize + packet.size(), out);
  append(out, source.bytes());
  append(out, destination.bytes());
  append(out, packet);
  return {};
}

void write_keep_alive(Buffer& out) { write_frame_header(FrameType::KeepAlive, 0, out); }

void write_note_preferred(bool preferred, Buffer& out) {
  write_frame_header(FrameType::NotePreferred, 1, out);
  Writer(out).u8(preferred ? 1 : 0);
}

void write_peer_gone(const NodePublicKey& peer, std::uint8_t reason, Buffer& out) {
  write_frame_header(FrameType::PeerGone, kKeySize + 1, out);
  append(out, peer.bytes());
  Writer(out).u8(reason);
}

void write_peer_present(
    const NodePublicKey& peer, const Endpoint& at, std::uint8_t flags, Buffer& out) {
  write_frame_header(FrameType::PeerPresent, kKeySize + 16 + 2 + 1, out);
  append(out, peer.bytes());
  append(out, at.address.to_mapped_16());
  Writer tail(out);
  tail.u16be(at.port);
  tail.u8(flags);
}

void write_watch_conns(Buffer& out) { write_frame_header(FrameType::WatchConns, 0, out); }

void write_close_peer(const NodePublicKey& peer, Buffer& out) {
  write_frame(FrameType::ClosePeer, peer.bytes(), out);
}

void write_ping(const PingData& data, Buffer& out) { write_frame(FrameType::Ping, data, out); }

void write_pong(const PingData& data, Buffer& out) { write_frame(FrameType::Pong, data, out); }

void write_health(std::string_view problem, Buffer& out) {
  write_frame(FrameType::Health, as_bytes(problem), out);
}

void write_restarting(const Restarting& message, Buffer& out) {
  write_frame_header(FrameType::Restarting, 8, out);
  Writer tail(out);
  tail.u32be(static_cast<std::uint32_t>(message.reconnect_in.count()));
  tail.u32be(static_cast<std::uint32_t>(message.try_for.count()));
}

}  // namespace aya::derp
