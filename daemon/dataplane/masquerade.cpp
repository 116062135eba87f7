#include "daemon/dataplane/masquerade.h"

#include <array>
#include <optional>

#include "proto/base/endian.h"
#include "proto/packet/checksum.h"

namespace aya::dataplane {
namespace {

constexpr std::size_t kChecksum4 = 10;  // of an IPv4 header
constexpr std::size_t kIcmpChecksum = 2, kIcmpHeader = 8;

// Where a checksum stands that covers the addresses, too.
struct Covered {
  std::uint8_t protocol;
  std::size_t checksum, header_size;
};
constexpr std::uint8_t kDccp = 33, kUdpLite = 136;
constexpr std::array kCovered = {
    Covered{filter::kTcp, 16, 20}, Covered{filter::kUdp, 6, 8}, Covered{filter::kIcmp6, 2, 4},
    Covered{kDccp, 6, 12}, Covered{kUdpLite, 6, 8}};

struct Layout {
  std::size_t header_size, source, destination, address_size;
  std::size_t of(PacketEnd end) const { return end == PacketEnd::Source ? source : destination; }
};
constexpr Layout kLayout4{20, 12, 16, 4}, kLayout6{40, 8, 24, 16};

void mend(MutableBytes at, Bytes before, Bytes after) {
  const auto old = load_be<std::uint16_t>(at.data());
  store_be(at.data(), checksum_after_change(old, before, after));
}

void mend_transport(
    MutableBytes transport, std::uint8_t protocol, bool v4, Bytes before, Bytes after) {
  for (const Covered& covered : kCovered) {
    if (covered.protocol != protocol || transport.size() < covered.header_size) continue;
    if (protocol == filter::kIcmp6 && v4) return;
    const MutableBytes checksum = transport.subspan(covered.checksum, 2);
    const bool optional = protocol == filter::kUdp || protocol == kUdpLite;
    if (optional && load_be<std::uint16_t>(checksum.data()) == 0) return;  // there is none
    mend(checksum, before, after);
    const bool zero = load_be<std::uint16_t>(checksum.data()) == 0;
    if (optional && zero) store_be(checksum.data(), std::uint16_t{0xffff});
    return;
  }
}

void mend_icmp(MutableBytes message, const filter::PacketView& view, Bytes packet) {
  store_be(message.data() + kIcmpChecksum, std::uint16_t{0});
  ChecksumSum sum;
  if (view.version == 6) {
    const auto now = filter::PacketView::parse(packet);
    sum.add_pseudo_header(
        now.source.address, now.destination.address, filter::kIcmp6, message.size());
  }
  store_be(message.data() + kIcmpChecksum, sum.add(message).finish());
}

// What is quoted went the other way. Its own transport checksum is left: nobody reads it there.
void readdress_quoted(
    MutableBytes quoted, const Layout& layout, bool v4, PacketEnd end, Bytes before, Bytes after) {
  const unsigned version = quoted.empty() ? 0 : static_cast<unsigned>(quoted[0]) >> 4;
  if (version != (v4 ? 4u : 6u) || quoted.size() < layout.header_size) return;
  const PacketEnd other = end == PacketEnd::Source ? PacketEnd::Destination : PacketEnd::Source;
  const MutableBytes address = quoted.subspan(layout.of(other), layout.address_size);
  if (!std::equal(address.begin(), address.end(), before.begin(), before.end())) return;
  copy_bytes(address, after);
  if (v4) mend(quoted.subspan(kChecksum4, 2), before, after);
}

}  // namespace

void readdress(Packet& packet, const filter::PacketView& view, PacketEnd end, const IpAddress& to) {
  const bool v4 = view.version == 4;
  const Layout& layout = v4 ? kLayout4 : kLayout6;
  const MutableBytes bytes = packet.mutable_bytes();
  const IpAddress from = end == PacketEnd::Source ? view.source.address : view.destination.address;
  const Bytes before = from.bytes(), after = to.bytes();
  const auto offset = static_cast<std::size_t>(view.transport.data() - packet.bytes().data());
  const MutableBytes transport = bytes.subspan(offset, view.transport.size());

  copy_bytes(bytes.subspan(layout.of(end), layout.address_size), after);
  if (v4) mend(bytes.subspan(kChecksum4, 2), before, after);
  if (view.is_icmp_error()) {
    readdress_quoted(transport.subspan(kIcmpHeader), layout, v4, end, before, after);
    mend_icmp(transport, view, packet.bytes());
  } else {
    mend_transport(transport, view.protocol, v4, before, after);
  }
}

}  // namespace aya::dataplane
