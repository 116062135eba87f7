// The payloads of DERP frames after the greeting, read and written. Parsers are lax about bytes
// behind what they know, as the protocol grows by appending; a payload too short for its type is
// ParseError::Truncated, which a client skips and a relay punishes (nat-traversal 3.5, 3.7).
//
// Everything parsed borrows from the payload.
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string_view>
#include <variant>

#include "proto/base/parse_error.h"
#include "proto/base/result.h"
#include "proto/derp/frame.h"
#include "proto/keys/public_key.h"
#include "proto/netaddr/endpoint.h"

namespace aya::derp {

using PingData = std::array<std::byte, 8>;

struct SendPacket {
  NodePublicKey destination;
  Bytes packet;
};
struct RecvPacket {
  NodePublicKey source;
  Bytes packet;
};
struct ForwardPacket {
  NodePublicKey source;
  NodePublicKey destination;
  Bytes packet;
};
struct KeepAlive {};
struct NotePreferred {
  bool preferred = false;
};
struct PeerGone {
  static constexpr std::uint8_t kDisconnected = 0;  // was here, has left
  static constexpr std::uint8_t kNotHere = 1;       // never was here, as far as this relay knows
  NodePublicKey peer;
  std::uint8_t reason = kDisconnected;
};
struct PeerPresent {
  static constexpr std::uint8_t kRegular = 1, kMeshPeer = 2, kProber = 4, kNotIdeal = 8;
  NodePublicKey peer;
  std::optional<Endpoint> at;
  std::uint8_t flags = 0;  // 0: the relay is too old to say
};
struct ClosePeer {
  NodePublicKey peer;
};
struct Ping {
  PingData data{};
};
struct Pong {
  PingData data{};
};
struct Health {
  std::string_view problem;  // empty: healthy again
};
struct Restarting {
  std::chrono::milliseconds reconnect_in{};  // wait so long before the first attempt
  std::chrono::milliseconds try_for{};       // and do not worry for so long after it
};

// What a relay sends once both have greeted. ServerInfo and ServerKey are in hello.h.
using FromRelay =
    std::variant<RecvPacket, KeepAlive, PeerGone, PeerPresent, Ping, Pong, Health, Restarting>;
// ParseError::BadType for anything else: skip it.
Result<FromRelay, ParseError> parse_from_relay(FrameType type, Bytes payload);

// What a relay reads. BadLength where the exact size is demanded.
Result<SendPacket, ParseError> parse_send_packet(Bytes payload);
Result<ForwardPacket, ParseError> parse_forward_packet(Bytes payload);
Result<NotePreferred, ParseError> parse_note_preferred(Bytes payload);
Result<ClosePeer, ParseError> parse_close_peer(Bytes payload);
Result<Ping, ParseError> parse_ping(Bytes payload);

// Whole frames, appended. The three with packets refuse more than kMaxPacket bytes: TooLarge.
Result<void, ParseError> write_send_packet(
    const NodePublicKey& destination, Bytes packet, Buffer& out);
Result<void, ParseError> write_recv_packet(const NodePublicKey& source, Bytes packet, Buffer& out);
Result<void, ParseError> write_forward_packet(
    const NodePublicKey& source, const NodePublicKey& destination, Bytes packet, Buffer& out);
void write_keep_alive(Buffer& out);
void write_note_preferred(bool preferred, Buffer& out);
void write_peer_gone(const NodePublicKey& peer, std::uint8_t reason, Buffer& out);
void write_peer_present(
    const NodePublicKey& peer, const Endpoint& at, std::uint8_t flags, Buffer& out);
void write_watch_conns(Buffer& out);
void write_close_peer(const NodePublicKey& peer, Buffer& out);
void write_ping(const PingData& data, Buffer& out);
void write_pong(const PingData& data, Buffer& out);
void write_health(std::string_view problem, Buffer& out);
void write_restarting(const Restarting& message, Buffer& out);

// For framing in place: the bytes in front of the packet of a SendPacket or RecvPacket frame.
inline constexpr std::size_t kKeyedHeaderSize = kFrameHeaderSize + NodePublicKey::kSize;
void store_keyed_header(
    std::span<std::byte, kKeyedHeaderSize> out, FrameType type, const NodePublicKey& key,
    std::size_t packet_size);

}  // namespace aya::derp
