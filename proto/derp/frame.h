// DERP frames (nat-traversal 3.5): one type byte, a 32-bit big-endian length, a payload. This room
// knows what the bytes mean on both sides; it does not know who may send what (daemon/relay for
// the client, coord-server/relay_server for the relay), nor the DERP map (proto/control).
//
//   FrameReader reader;
//   for (;;) {
//     switch (reader.step(input)) {
//       case FrameReader::Step::NeedMore: return;
//       case FrameReader::Step::Header:   // refuse or skip() here, before a byte of payload is
//       kept
//         if (reader.header().length > kMaxClientFrame) return fail();
//         break;
//       case FrameReader::Step::Frame: on_frame(reader.header().type, reader.payload());
//     }
//   }
#pragma once

#include <cstdint>

#include "proto/base/bytes.h"
#include "proto/base/endian.h"

namespace aya::derp {

inline constexpr int kProtocolVersion = 2;

enum class FrameType : std::uint8_t {
  ServerKey = 0x01,      // relay -> client: magic and the relay's key
  ClientInfo = 0x02,     // client -> relay: node key, sealed JSON
  ServerInfo = 0x03,     // relay -> client: sealed JSON
  SendPacket = 0x04,     // client -> relay: destination key, packet
  RecvPacket = 0x05,     // relay -> client: source key, packet
  KeepAlive = 0x06,      // relay -> client
  NotePreferred = 0x07,  // client -> relay: this relay is, or is not, my home
  PeerGone = 0x08,       // relay -> client
  PeerPresent = 0x09,    // relay -> mesh peer
  ForwardPacket = 0x0a,  // mesh peer -> relay: source key, destination key, packet
  WatchConns = 0x10,     // mesh peer -> relay: tell me who comes and goes
  ClosePeer = 0x11,      // mesh peer -> relay: evict this key
  Ping = 0x12,
  Pong = 0x13,
  Health = 0x14,      // relay -> client: text of a problem, empty when it is over
  Restarting = 0x15,  // relay -> client
};

inline constexpr std::size_t kFrameHeaderSize = 5;
inline constexpr std::size_t kMaxPacket = 65536;         // inside SendPacket and its kin
inline constexpr std::size_t kMaxClientFrame = 1 << 20;  // what a client takes from a relay
inline constexpr std::size_t kMaxServerKeyFrame = 1024;  // the greeting only
inline constexpr std::size_t kMaxClientInfo = 256 * 1024;
inline constexpr std::size_t kMinClientInfo = 56;  // key and nonce
inline constexpr std::size_t kMinPing = 8;
inline constexpr std::size_t kMaxPing = 1000;  // what a relay takes

struct FrameHeader {
  FrameType type{};  // may hold a value with no name: skip such frames
  std::uint32_t length = 0;
};

inline FrameHeader parse_frame_header(std::span<const std::byte, kFrameHeaderSize> wire) {
  return {static_cast<FrameType>(wire[0]), load_be<std::uint32_t>(wire.data() + 1)};
}
inline void store_frame_header(
    std::span<std::byte, kFrameHeaderSize> out, FrameType type, std::size_t length) {
  out[0] = static_cast<std::byte>(type);
  store_be(out.data() + 1, static_cast<std::uint32_t>(length));
}
void write_frame_header(FrameType type, std::size_t length, Buffer& out);

// Cuts a byte stream into frames. A payload that lies whole in the input is lent from there; only
// what is split between two inputs is copied. One thread; a value.
class FrameReader {
 public:
  enum class Step {
    NeedMore,  // the input is used up
    Header,    // header() is new; nothing of the payload was read yet
    Frame,     // payload() is complete
  };

  // Consumes from the front of `input`. Input and payload stay valid until the next step().
  Step step(Bytes& input);

  const FrameHeader& header() const { return header_; }
  Bytes payload() const { return payload_; }
  // After Step::Header: let this payload pass by unread. No Step::Frame follows.
  void skip() { state_ = State::Skipping; }
  // Whether the stream, if it ended now, would end inside a payload.
  bool inside_payload() const { return state_ != State::InHeader; }

 private:
  enum class State { InHeader, InPayload, Skipping };

  Step step_header(Bytes& input);
  Step step_payload(Bytes& input);
  Step step_skip(Bytes& input);

  State state_ = State::InHeader;
  std::array<std::byte, kFrameHeaderSize> header_bytes_{};
  std::size_t header_filled_ = 0;
  FrameHeader header_;
  Buffer partial_;
  std::uint32_t skip_left_ = 0;
  bool partial_lent_ = false;
  Bytes payload_;
};

}  // namespace aya::derp
