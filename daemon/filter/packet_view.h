// PacketView: what the filter needs to know of one IP packet, read in place and without copying.
//
// The reader is deliberately narrow. Whatever it cannot place with certainty (a header that does
// not fit, a first fragment too short to show its ports, a fragment that would overwrite them)
// becomes kUnknownProtocol, which the filter drops. IPv6 extension headers other than one fragment
// header directly behind the fixed header are not walked: their number is taken as the protocol.
//
// Ports are those of TCP, UDP and SCTP, else 0. Specified by tests/vectors/wire/packet_filter.json.
#pragma once

#include "proto/base/bytes.h"
#include "proto/netaddr/endpoint.h"

namespace aya::filter {

// Protocol numbers the filter treats specially; any other value is the number on the wire.
inline constexpr std::uint8_t kUnknownProtocol = 0;
inline constexpr std::uint8_t kIcmp4 = 1;
inline constexpr std::uint8_t kIgmp = 2;
inline constexpr std::uint8_t kTcp = 6;
inline constexpr std::uint8_t kUdp = 17;
inline constexpr std::uint8_t kIpv6Fragment = 44;
inline constexpr std::uint8_t kIcmp6 = 58;
inline constexpr std::uint8_t kTsmp = 99;  // messages between Tailscale nodes
inline constexpr std::uint8_t kSctp = 132;
inline constexpr std::uint8_t kLaterFragment = 255;  // a fragment without transport header

inline constexpr std::size_t kUdpHeaderSize = 8;
inline constexpr std::uint8_t kTcpReset = 0x04;  // among the flags of a segment

struct PacketView {
  Bytes packet;              // all of it; borrowed
  std::uint8_t version = 0;  // 4, 6, or 0 when there is not even an IP header
  std::uint8_t protocol = kUnknownProtocol;
  std::uint8_t tcp_flags = 0;  // TCP only
  Endpoint source;             // this and all below: only of a packet whose protocol is known
  Endpoint destination;
  Bytes transport;  // from the transport header to the end of the packet, no padding

  static PacketView parse(Bytes packet);

  bool is_tcp_syn() const;  // opens a connection: SYN without ACK
  bool is_echo_request() const;
  bool is_echo_reply() const;
  bool is_icmp_error() const;
};

}  // namespace aya::filter
