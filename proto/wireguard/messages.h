// WireGuard's four messages as they lie on the wire (dataplane 1.2), padding of data, and TAI64N.
//
//   switch (message_type(datagram)) {            // nullopt: not WireGuard, try DISCO and STUN
//     case MessageType::Initiation: {
//       const auto* initiation = view<HandshakeInitiation>(datagram);  // exact size already true
#pragma once

#include <optional>

#include "proto/base/endian.h"
#include "proto/base/time.h"
#include "proto/noise/ikpsk2.h"

namespace aya::wireguard {

enum class MessageType : std::uint32_t {
  Initiation = 1,
  Response = 2,
  CookieReply = 3,
  Transport = 4,
};

using Mac = std::array<std::byte, 16>;

// Both MACs end the two handshake messages alike.
struct Macs {
  Mac mac1, mac2;
};

struct HandshakeInitiation {
  U32le type, sender;
  noise::Ikpsk2Initiation noise;
  Macs macs;
};

struct HandshakeResponse {
  U32le type, sender, receiver;
  noise::Ikpsk2Response noise;
  Macs macs;
};

struct CookieReply {
  U32le type, receiver;
  std::array<std::byte, 24> nonce;
  std::array<std::byte, 16 + 16> sealed_cookie;
};

struct TransportHeader {  // then ciphertext, then the 16-byte tag
  U32le type, receiver;
  U64le counter;
};

static_assert(sizeof(HandshakeInitiation) == 148 && alignof(HandshakeInitiation) == 1);
static_assert(sizeof(HandshakeResponse) == 92 && alignof(HandshakeResponse) == 1);
static_assert(sizeof(CookieReply) == 64 && alignof(CookieReply) == 1);
static_assert(sizeof(TransportHeader) == 16 && alignof(TransportHeader) == 1);

inline constexpr std::size_t kMinTransportSize = sizeof(TransportHeader) + 16;  // a keepalive
inline constexpr std::size_t kTransportOverhead = kMinTransportSize;

// What the first word says, where the size agrees with it: exact for messages 1 to 3, at least a
// header and a tag for 4. nullopt is anything else, so this also tells WireGuard from the other
// protocols on the same socket.
std::optional<MessageType> message_type(Bytes datagram);

// True for whatever starts with a WireGuard type word, sizes aside.
bool has_wireguard_type(Bytes datagram);

// A message inside `bytes`, which must be large enough and live as long as the view.
template <class Message>
const Message* view(Bytes bytes) {
  static_assert(alignof(Message) == 1 && std::is_trivially_copyable_v<Message>);
  return bytes.size() < sizeof(Message) ? nullptr : reinterpret_cast<const Message*>(bytes.data());
}
template <class Message>
Message* view(MutableBytes bytes) {
  return const_cast<Message*>(view<Message>(Bytes(bytes)));
}

// How many zero bytes follow a packet of `size`: up to a multiple of 16, but the sum never above
// `mtu`. Zero `mtu`: no upper bound.
std::size_t padding_for(std::size_t size, std::size_t mtu);

// The packet inside decrypted data without its padding, by its own IP length field; nullopt where
// it is not IP or claims more than there is.
std::optional<Bytes> without_padding(Bytes plain);

// TAI64N, with the low 24 bits of the nanoseconds cleared: a step of 16.8 ms tells an observer of
// many handshakes nothing about the clock.
noise::Timestamp timestamp_of(WallTime time);
inline constexpr Duration kTimestampStep{1 << 24};

}  // namespace aya::wireguard
