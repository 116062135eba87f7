#include "daemon/filter/packet_view.h"

#include "proto/base/endian.h"

namespace aya::filter {
namespace {

constexpr std::size_t kIpv4HeaderSize = 20;
constexpr std::size_t kIpv6HeaderSize = 40;
constexpr std::size_t kFragmentHeaderSize = 8;
constexpr std::size_t kTcpHeaderSize = 20;
constexpr std::size_t kUdpHeaderSize = 8;
constexpr std::size_t kSctpHeaderSize = 12;
constexpr std::size_t kIcmpMinimumSize = 4;  // type, code, checksum
constexpr std::size_t kIcmpEchoSize = 8;     // and what an echo or an error carries besides
constexpr std::size_t kIgmpHeaderSize = 8;
constexpr std::size_t kTsmpMinimumSize = 7;

// The longest IPv4 header and a TCP header, in the unit of fragment offsets. A fragment that begins
// below could overwrite the ports a first fragment showed us.
constexpr unsigned kLowestFragmentOffset = (60 + 20) / 8;

constexpr std::uint8_t kTcpSyn = 0x02;
constexpr std::uint8_t kTcpAck = 0x10;

std::uint8_t at(Bytes bytes, std::size_t index) { return static_cast<std::uint8_t>(bytes[index]); }

struct FragmentPlace {
  unsigned offset = 0;  // units of 8 bytes
  bool more = false;

  bool whole() const { return offset == 0 && !more; }
};

// Fills in protocol and ports from the transport header, if it is all there.
void read_transport(PacketView& view, std::uint8_t protocol, FragmentPlace fragment) {
  const Bytes header = view.transport;
  const auto fits = [&](std::size_t size) { return header.size() >= size; };
  const std::uint8_t own_icmp = view.version == 4 ? kIcmp4 : kIcmp6;
  switch (protocol) {
    case kTcp:
      if (!fits(kTcpHeaderSize)) return;
      view.tcp_flags = at(header, 13);
      break;
    case kUdp:
      if (!fits(kUdpHeaderSize)) return;
      break;
    case kSctp:
      if (!fits(kSctpHeaderSize)) return;
      break;
    case kTsmp:
      // Never fragmented by those who speak it.
      if (!fits(kTsmpMinimumSize) || !fragment.whole()) return;
      break;
    case kUnknownProtocol:
    case kLaterFragment:
      return;  // our own marks; on the wire hop-by-hop options and a reserved number
    case kIgmp:
      if (view.version == 4 && !fits(kIgmpHeaderSize)) return;
      break;
    default:
      if (protocol == own_icmp && !fits(kIcmpMinimumSize)) return;
  }
  view.protocol = protocol;
  if (protocol == kTcp || protocol == kUdp || protocol == kSctp) {
    view.source.port = load_be<std::uint16_t>(header.data());
    view.destination.port = load_be<std::uint16_t>(header.data() + 2);
  }
}

void read_payload(PacketView& view, std::uint8_t protocol, FragmentPlace fragment) {
  if (fragment.offset == 0) {
    read_transport(view, protocol, fragment);
  } else if (fragment.offset >= kLowestFragmentOffset) {
    view.protocol = kLaterFragment;
  }
}

void read_ipv4(PacketView& view) {
  const Bytes packet = view.packet;
  if (packet.size() < kIpv4HeaderSize) return;
  view.version = 4;
  const std::size_t header_size = (at(packet, 0) & 0xfu) * 4;
  const std::size_t total = load_be<std::uint16_t>(packet.data() + 2);
  if (header_size < kIpv4HeaderSize || header_size > total || total > packet.size()) return;

  view.source.address = IpAddress::v4(packet.subspan<12, 4>());
  view.destination.address = IpAddress::v4(packet.subspan<16, 4>());
  view.transport = packet.subspan(header_size, total - header_size);
  const unsigned fragment = load_be<std::uint16_t>(packet.data() + 6);
  read_payload(
      view, at(packet, 9), {.offset = fragment & 0x1fff, .more = (fragment & 0x2000) != 0});
}

void read_ipv6(PacketView& view) {
  const Bytes packet = view.packet;
  if (packet.size() < kIpv6HeaderSize) return;
  view.version = 6;
  const std::size_t payload = load_be<std::uint16_t>(packet.data() + 4);
  if (payload > packet.size() - kIpv6HeaderSize) return;

  view.source.address = IpAddress::v6(packet.subspan<8, 16>());
  view.destination.address = IpAddress::v6(packet.subspan<24, 16>());
  view.transport = packet.subspan(kIpv6HeaderSize, payload);
  std::uint8_t protocol = at(packet, 6);
  FragmentPlace fragment;
  if (protocol == kIpv6Fragment) {
    if (view.transport.size() < kFragmentHeaderSize) return;
    protocol = at(view.transport, 0);
    const unsigned place = load_be<std::uint16_t>(view.transport.data() + 2);
    fragment = {.offset = place >> 3, .more = (place & 1) != 0};
    view.transport = view.transport.subspan(kFragmentHeaderSize);
  }
  read_payload(view, protocol, fragment);
}

bool is_own_icmp(const PacketView& view) {
  return view.protocol == (view.version == 4 ? kIcmp4 : kIcmp6) &&
         view.transport.size() >= kIcmpEchoSize;
}

}  // namespace

PacketView PacketView::parse(Bytes packet) {
  PacketView view;
  view.packet = packet;
  if (packet.empty()) return view;
  switch (at(packet, 0) >> 4) {
    case 4:
      read_ipv4(view);
      break;
    case 6:
      read_ipv6(view);
      break;
    default:
      break;
  }
  return view;
}

bool PacketView::is_tcp_syn() const {
  return protocol == kTcp && (tcp_flags & (kTcpSyn | kTcpAck)) == kTcpSyn;
}

bool PacketView::is_echo_request() const {
  if (!is_own_icmp(*this)) return false;
  return at(transport, 0) == (version == 4 ? 8 : 128) && at(transport, 1) == 0;
}

bool PacketView::is_echo_reply() const {
  if (!is_own_icmp(*this)) return false;
  return at(transport, 0) == (version == 4 ? 0 : 129) && at(transport, 1) == 0;
}

bool PacketView::is_icmp_error() const {
  if (!is_own_icmp(*this)) return false;
  const std::uint8_t type = at(transport, 0);
  if (version == 6) return type >= 1 && type <= 4;
  return type == 3 || type == 11 || type == 12;  // unreachable, time exceeded, parameter problem
}

}  // namespace aya::filter
