#include "daemon/dataplane/masquerade.h"

#include <gtest/gtest.h>

#include "proto/base/endian.h"
#include "proto/base/hex.h"
#include "proto/packet/checksum.h"
#include "proto/packet/ip_writer.h"

namespace aya::dataplane {
namespace {

using filter::PacketView;

struct Family {
  const char *own, *alias, *peer;
  std::uint8_t icmp, error;
};

struct Masquerade : testing::TestWithParam<Family> {
  IpAddress own = *IpAddress::parse(GetParam().own);
  IpAddress alias = *IpAddress::parse(GetParam().alias);
  IpAddress peer = *IpAddress::parse(GetParam().peer);
  PacketPool pool;

  Packet packet(
      const IpAddress& from, const IpAddress& to, std::uint8_t protocol, std::size_t checksum,
      std::size_t size = 41) {
    IpWriter out(pool, from, to, protocol, size);
    for (std::size_t i = 0; i < size; ++i) {
      out.transport()[i] = i == checksum || i == checksum + 1 ? std::byte{0} : std::byte(i * 7 + 1);
    }
    if (protocol == filter::kUdp) store_be(out.transport().data() + 4, std::uint16_t(size));
    return out.seal(checksum);
  }
  // An ICMP error of `from` about a packet that was sent from `quoted_from` to `quoted_to`.
  Packet error(
      const IpAddress& from, const IpAddress& to, const IpAddress& quoted_from,
      const IpAddress& quoted_to) {
    const Packet quoted = packet(quoted_from, quoted_to, filter::kUdp, 6);
    IpWriter out(pool, from, to, GetParam().icmp, 8 + quoted.size());
    std::ranges::fill(out.transport().first(8), std::byte{0});
    out.transport()[0] = std::byte{GetParam().error};
    copy_bytes(out.transport().subspan(8), quoted.bytes());
    return out.seal(2);
  }
  static std::string after(Packet packet, PacketEnd end, const IpAddress& to) {
    readdress(packet, PacketView::parse(packet.bytes()), end, to);
    return to_hex(packet.bytes());
  }
};

TEST_P(Masquerade, WritesWhatSomebodyOfThatAddressWouldHaveSent) {
  struct Case {
    std::uint8_t protocol;
    std::size_t checksum;
  };
  for (const auto& [protocol, at] :
       {Case{filter::kTcp, 16}, Case{filter::kUdp, 6}, Case{GetParam().icmp, 2}}) {
    EXPECT_EQ(
        after(packet(own, peer, protocol, at), PacketEnd::Source, alias),
        to_hex(packet(alias, peer, protocol, at).bytes()))
        << int{protocol};
    EXPECT_EQ(
        after(packet(peer, alias, protocol, at), PacketEnd::Destination, own),
        to_hex(packet(peer, own, protocol, at).bytes()))
        << int{protocol};
  }
}

TEST_P(Masquerade, ChangesWhatAnErrorQuotes) {
  const auto same = [&](const std::string& got, const Packet& want, std::size_t header) {
    // The quoted transport checksum is left as it was; so is what it does to the outer one, which
    // has to be right for the bytes there are.
    const Packet mended = pool.copy_of(*parse_hex(got));
    const PacketView view = PacketView::parse(mended.bytes());
    ChecksumSum sum;
    if (view.version == 6) {
      sum.add_pseudo_header(
          view.source.address, view.destination.address, filter::kIcmp6, view.transport.size());
    }
    EXPECT_EQ(sum.add(view.transport).finish(), 0);
    EXPECT_EQ(
        to_hex(view.transport.subspan(8, header)),
        to_hex(PacketView::parse(want.bytes()).transport.subspan(8, header)));
  };
  const std::size_t header = own.is_v4() ? 20 : 40;
  same(
      after(error(peer, alias, alias, peer), PacketEnd::Destination, own),
      error(peer, own, own, peer), header);
  same(
      after(error(own, peer, peer, own), PacketEnd::Source, alias), error(alias, peer, peer, alias),
      header);
  same(
      after(error(peer, alias, own, peer), PacketEnd::Destination, own),
      error(peer, own, own, peer), header);
}

TEST_P(Masquerade, LeavesTruncatedErrorsAndAbsentChecksumsWhole) {
  Packet none = packet(own, peer, filter::kUdp, 6);
  const std::size_t at = none.size() - 41 + 6;
  store_be(none.mutable_bytes().data() + at, std::uint16_t{0});
  readdress(none, PacketView::parse(none.bytes()), PacketEnd::Source, alias);
  EXPECT_EQ(load_be<std::uint16_t>(none.bytes().data() + at), 0);

  for (std::size_t size = 8; size < 60; ++size) {
    IpWriter out(pool, peer, alias, GetParam().icmp, size);
    std::ranges::fill(out.transport(), std::byte{0x45});
    out.transport()[0] = std::byte{GetParam().error};
    store_be(out.transport().data() + 2, std::uint16_t{0});
    Packet cut = out.seal(2);
    readdress(cut, PacketView::parse(cut.bytes()), PacketEnd::Destination, own);
    EXPECT_EQ(PacketView::parse(cut.bytes()).destination.address, own);
  }
}

INSTANTIATE_TEST_SUITE_P(
    BothFamilies, Masquerade,
    testing::Values(
        Family{"100.64.0.1", "100.99.255.3", "100.70.0.9", filter::kIcmp4, 3},
        Family{
            "fd7a:115c:a1e0::1", "fd7a:115c:a1e0:ffff::3", "fd7a:115c:a1e0::9", filter::kIcmp6,
            1}));

}  // namespace
}  // namespace aya::dataplane
