#include "daemon/sites/translate.h"

#include <algorithm>
#include <array>

#include "daemon/filter/packet_view.h"
#include "proto/base/endian.h"
#include "proto/packet/checksum.h"

namespace aya::sites {
namespace {

using filter::kIcmp4;
using filter::kIcmp6;
using filter::kTcp;
using filter::kUdp;

constexpr std::size_t kHeader4 = 20, kHeader6 = 40;
constexpr std::size_t kTcpHeader = 20, kUdpHeader = 8, kIcmpHeader = 8;
constexpr std::size_t kSmallestMtu6 = 1280;

std::uint8_t at(Bytes bytes, std::size_t index) { return static_cast<std::uint8_t>(bytes[index]); }
void set(MutableBytes bytes, std::size_t index, unsigned value) {
  bytes[index] = static_cast<std::byte>(value);
}

// ---- IP headers

// What both headers say, but for addresses and length.
struct Common {
  std::uint8_t traffic_class = 0, hops = 0, protocol = 0;
  std::size_t header_size = 0, transport_size = 0;
};

// nullopt: fragments, extension headers, a header that does not fit. `quoted`: only the beginning
// of the packet is there, so that the length it states is larger than what follows.
std::optional<Common> read4(Bytes packet, bool quoted = false) {
  if (packet.size() < kHeader4 || at(packet, 0) >> 4 != 4) return std::nullopt;
  Common out;
  out.header_size = (at(packet, 0) & 0xfu) * 4;
  const std::size_t total = load_be<std::uint16_t>(packet.data() + 2);
  if (out.header_size < kHeader4 || total < out.header_size) return std::nullopt;
  if (packet.size() < (quoted ? out.header_size : total)) return std::nullopt;
  if ((load_be<std::uint16_t>(packet.data() + 6) & 0x3fff) != 0) return std::nullopt;  // fragment
  out.traffic_class = at(packet, 1);
  out.hops = at(packet, 8);
  out.protocol = at(packet, 9);
  out.transport_size = total - out.header_size;
  return out;
}

std::optional<Common> read6(Bytes packet, bool quoted = false) {
  if (packet.size() < kHeader6 || at(packet, 0) >> 4 != 6) return std::nullopt;
  Common out;
  out.header_size = kHeader6;
  out.transport_size = load_be<std::uint16_t>(packet.data() + 4);
  if (!quoted && packet.size() - kHeader6 < out.transport_size) return std::nullopt;
  out.traffic_class = static_cast<std::uint8_t>(at(packet, 0) << 4 | at(packet, 1) >> 4);
  out.protocol = at(packet, 6);
  out.hops = at(packet, 7);
  return out;
}

void write4(MutableBytes header, const Common& common, std::uint8_t protocol, const Ends& ends) {
  std::ranges::fill(header.first(kHeader4), std::byte{0});
  set(header, 0, 0x45);
  set(header, 1, common.traffic_class);
  store_be(header.data() + 2, static_cast<std::uint16_t>(kHeader4 + common.transport_size));
  set(header, 6, 0x40);  // never fragmented on the way: IPv6 was not either
  set(header, 8, common.hops);
  set(header, 9, protocol);
  copy_bytes(header.subspan(12), ends.source.bytes());
  copy_bytes(header.subspan(16), ends.destination.bytes());
  store_be(header.data() + 10, ChecksumSum().add(header.first(kHeader4)).finish());
}

void write6(MutableBytes header, const Common& common, std::uint8_t protocol, const Ends& ends) {
  std::ranges::fill(header.first(kHeader6), std::byte{0});
  set(header, 0, 0x60u | common.traffic_class >> 4);
  set(header, 1, (common.traffic_class & 0xfu) << 4);
  store_be(header.data() + 4, static_cast<std::uint16_t>(common.transport_size));
  set(header, 6, protocol);
  set(header, 7, common.hops);
  copy_bytes(header.subspan(8), ends.source.bytes());
  copy_bytes(header.subspan(24), ends.destination.bytes());
}

// ---- transport

// A SYN's largest segment, lowered so that a full one fits `mtu` behind an IPv6 header. True: it
// was, and the checksum is stale.
bool clamp_segment_size(MutableBytes segment, std::size_t mtu) {
  constexpr unsigned kSyn = 0x02;
  const std::size_t header = static_cast<std::size_t>(at(segment, 12) >> 4) * 4;
  if ((at(segment, 13) & kSyn) == 0 || header > segment.size()) return false;
  const auto limit = static_cast<std::uint16_t>(mtu - kHeader6 - kTcpHeader);
  for (std::size_t i = kTcpHeader; i < header;) {
    const unsigned kind = at(segment, i);
    if (kind == 0) return false;
    if (kind == 1) {
      ++i;
      continue;
    }
    if (i + 1 >= header) return false;
    const std::size_t length = at(segment, i + 1);
    if (length < 2 || i + length > header) return false;
    if (kind == 2 && length == 4) {
      if (load_be<std::uint16_t>(segment.data() + i + 2) <= limit) return false;
      store_be(segment.data() + i + 2, limit);
      return true;
    }
    i += length;
  }
  return false;
}

// Where the checksum of a protocol stands in its header; nullopt: no image in the other family.
std::optional<std::size_t> checksum_offset(std::uint8_t protocol, std::size_t size) {
  if (protocol == kTcp && size >= kTcpHeader) return 16;
  if (protocol == kUdp && size >= kUdpHeader) return 6;
  return std::nullopt;
}

std::uint16_t never_zero(std::uint16_t udp_checksum) {
  return udp_checksum == 0 ? std::uint16_t{0xffff} : udp_checksum;
}

void write_checksum(
    MutableBytes transport, std::uint8_t protocol, std::size_t offset, const Ends& ends) {
  store_be(transport.data() + offset, std::uint16_t{0});
  ChecksumSum sum;
  if (protocol != kIcmp4) {
    sum.add_pseudo_header(ends.source, ends.destination, protocol, transport.size());
  }
  const std::uint16_t checksum = sum.add(transport).finish();
  store_be(transport.data() + offset, protocol == kUdp ? never_zero(checksum) : checksum);
}

// ---- ICMP

struct IcmpKind {
  unsigned type = 0, code = 0;
  bool error = false;
  std::uint32_t rest = 0;  // of an error: MTU or pointer
};

// RFC 7915, 5.2.
std::optional<IcmpKind> icmp_to4(Bytes message) {
  const unsigned type = at(message, 0), code = at(message, 1);
  switch (type) {
    case 128:
      return IcmpKind{8, 0};
    case 129:
      return IcmpKind{0, 0};
    case 1:
      if (code == 1) return IcmpKind{3, 10, true};
      return IcmpKind{3, code == 4 ? 3u : 1u, true};
    case 2: {
      const auto mtu = load_be<std::uint32_t>(message.data() + 4);
      const std::uint32_t inner = std::clamp<std::uint32_t>(mtu, kSmallestMtu6, 0xffff) - 20;
      return IcmpKind{3, 4, true, inner};
    }
    case 3:
      return IcmpKind{11, code, true};
    case 4:
      if (code == 1) return IcmpKind{3, 2, true};
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

// RFC 7915, 4.2.
std::optional<IcmpKind> icmp_to6(Bytes message) {
  const unsigned type = at(message, 0), code = at(message, 1);
  switch (type) {
    case 8:
      return IcmpKind{128, 0};
    case 0:
      return IcmpKind{129, 0};
    case 11:
      return IcmpKind{3, code, true};
    case 3:
      break;
    default:
      return std::nullopt;
  }
  switch (code) {
    case 2:
      return IcmpKind{4, 1, true, 6};  // points at the next header
    case 3:
      return IcmpKind{1, 4, true};
    case 4: {
      const std::uint32_t mtu = load_be<std::uint16_t>(message.data() + 6) + 20u;
      return IcmpKind{2, 0, true, std::max<std::uint32_t>(mtu, kSmallestMtu6)};
    }
    case 9:
    case 10:
    case 13:
      return IcmpKind{1, 1, true};
    default:
      return IcmpKind{1, 0, true};
  }
}

// The packet an error quotes, translated like the packet itself but for its checksums, which nobody
// reads there, into `out`. 0: not translatable. `message`: the ICMP message.
std::size_t quote4(Bytes message, const Ends& ends, MutableBytes out) {
  const Bytes quoted = message.subspan(kIcmpHeader);
  const auto common = read6(quoted, true);
  if (!common) return 0;
  const bool icmp = common->protocol == kIcmp6;
  write4(
      out, *common, icmp ? kIcmp4 : common->protocol,
      {ends.destination, ends.quoted_destination, {}});
  const Bytes rest = quoted.subspan(kHeader6);
  const std::size_t size = std::min(rest.size(), out.size() - kHeader4);
  copy_bytes(out.subspan(kHeader4), rest.first(size));
  if (icmp && size > 0) set(out, kHeader4, at(rest, 0) == 128 ? 8u : 0u);
  return kHeader4 + size;
}

std::size_t quote6(Bytes message, const Ends& ends, MutableBytes out) {
  const Bytes quoted = message.subspan(kIcmpHeader);
  const auto common = read4(quoted, true);
  if (!common) return 0;
  const bool icmp = common->protocol == kIcmp4;
  write6(
      out, *common, icmp ? kIcmp6 : common->protocol,
      {ends.destination, ends.quoted_destination, {}});
  const Bytes rest = quoted.subspan(common->header_size);
  const std::size_t size = std::min(rest.size(), out.size() - kHeader6);
  copy_bytes(out.subspan(kHeader6), rest.first(size));
  if (icmp && size > 0) set(out, kHeader6, at(rest, 0) == 8 ? 128u : 129u);
  return kHeader6 + size;
}

// Exchanges the IP header for room of another size.
void exchange_front(Packet& packet, std::size_t before, std::size_t after) {
  packet.drop_front(before);
  packet.grow_front(after);
}

// Both addresses within a header.
struct Place {
  std::size_t begin, size;
};
constexpr Place kAddresses4{12, 8}, kAddresses6{8, 32};

// What the two directions differ in.
struct Direction {
  std::uint8_t icmp_before, icmp_after;
  Place addresses_before, addresses_after;
  std::size_t header_after;
  std::optional<IcmpKind> (*icmp_kind)(Bytes message);
  std::size_t (*quote)(Bytes message, const Ends& ends, MutableBytes out);
  void (*write)(MutableBytes header, const Common& common, std::uint8_t protocol, const Ends& ends);
};

bool translate_icmp(Packet& packet, Common common, const Ends& ends, const Direction& direction) {
  if (common.transport_size < kIcmpHeader) return false;
  const Bytes message = packet.bytes().subspan(common.header_size, common.transport_size);
  const auto kind = direction.icmp_kind(message);
  if (!kind) return false;

  std::array<std::byte, kSmallestMtu6> quoted;  // neither family quotes more than that
  const std::size_t room = std::min(
      quoted.size() - direction.header_after - kIcmpHeader,
      packet.headroom() + packet.size() + packet.tailroom() - direction.header_after - kIcmpHeader);
  std::size_t quoted_size = 0;
  if (kind->error) {
    quoted_size = direction.quote(message, ends, std::span(quoted).first(room));
    if (quoted_size == 0) return false;
  }
  exchange_front(packet, common.header_size, direction.header_after);
  if (kind->error) {
    common.transport_size = kIcmpHeader + quoted_size;
    packet.resize(direction.header_after + common.transport_size);
    const MutableBytes body = packet.mutable_bytes().subspan(direction.header_after);
    store_be(body.data() + 4, kind->rest);
    copy_bytes(body.subspan(kIcmpHeader), Bytes(quoted).first(quoted_size));
  }
  const MutableBytes transport = packet.mutable_bytes().subspan(direction.header_after);
  set(transport, 0, kind->type);
  set(transport, 1, kind->code);
  direction.write(packet.mutable_bytes(), common, direction.icmp_after, ends);
  write_checksum(transport, direction.icmp_after, 2, ends);
  return true;
}

bool translate(
    Packet& packet, const Common& common, const Ends& ends, std::size_t mtu,
    const Direction& direction) {
  if (packet.headroom() + common.header_size < direction.header_after) return false;
  packet.resize(common.header_size + common.transport_size);  // what follows is padding
  if (common.protocol == direction.icmp_before) {
    return translate_icmp(packet, common, ends, direction);
  }
  const auto offset = checksum_offset(common.protocol, common.transport_size);
  if (!offset) return false;
  std::array<std::byte, 32> before{}, after{};  // the addresses that the checksum covers
  copy_bytes(
      before,
      packet.bytes().subspan(direction.addresses_before.begin, direction.addresses_before.size));
  exchange_front(packet, common.header_size, direction.header_after);
  direction.write(packet.mutable_bytes(), common, common.protocol, ends);
  copy_bytes(
      after,
      packet.bytes().subspan(direction.addresses_after.begin, direction.addresses_after.size));
  const MutableBytes transport = packet.mutable_bytes().subspan(direction.header_after);
  const bool lowered = common.protocol == kTcp && clamp_segment_size(transport, mtu);
  const auto checksum = load_be<std::uint16_t>(transport.data() + *offset);
  const bool none = common.protocol == kUdp && checksum == 0;  // IPv4 allows that, IPv6 does not
  if (lowered || none) {
    write_checksum(transport, common.protocol, *offset, ends);
  } else {
    const auto next = checksum_after_change(checksum, before, after);
    store_be(transport.data() + *offset, common.protocol == kUdp ? never_zero(next) : next);
  }
  return true;
}

}  // namespace

bool to_ipv4(Packet& packet, const Ends& ends, std::size_t mtu) {
  const auto common = read6(packet.bytes());
  static constexpr Direction kDown{kIcmp6,   kIcmp4,   kAddresses6, kAddresses4,
                                   kHeader4, icmp_to4, quote4,      write4};
  return common && translate(packet, *common, ends, mtu, kDown);
}

bool to_ipv6(Packet& packet, const Ends& ends, std::size_t mtu) {
  const auto common = read4(packet.bytes());
  static constexpr Direction kUp{kIcmp4,   kIcmp6,   kAddresses4, kAddresses6,
                                 kHeader6, icmp_to6, quote6,      write6};
  return common && translate(packet, *common, ends, mtu, kUp);
}

}  // namespace aya::sites
