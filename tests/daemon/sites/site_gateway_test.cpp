#include "daemon/sites/site_gateway.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/sites/translate.h"
#include "proto/base/endian.h"
#include "proto/packet/checksum.h"
#include "proto/packet/packet_pool.h"
#include "tests/support/seeded_rng.h"

namespace aya::sites {
namespace {

using filter::PacketView;
using testing::ElementsAreArray;

IpAddress ip(const char* text) { return *IpAddress::parse(text); }

const IpAddress kPeer6 = ip("fd7a:115c:a1e0::7"), kPeer4 = ip("100.64.0.7");
const IpAddress kNas6 = ip("fd7a:115c:a1e0:b1a:0:7:c0a8:105"), kNas4 = ip("192.168.1.5");

constexpr std::size_t kMtu = 1280;

std::size_t header_size(const IpAddress& address) { return address.is_v4() ? 20 : 40; }

class SiteGatewayTest : public testing::Test {
 protected:
  SiteGatewayTest() {
    gateway_.set_routes(std::vector{*Prefix::parse("fd7a:115c:a1e0:b1a:0:7:c0a8:100/120")});
  }

  // A packet with right checksums around a transport whose checksum field is zero.
  Packet packet(
      const IpAddress& from, const IpAddress& to, std::uint8_t protocol,
      std::vector<std::byte> transport) {
    const std::size_t header = header_size(from);
    Packet out = pool_.take();
    out.resize(header + transport.size());
    const MutableBytes bytes = out.mutable_bytes();
    std::ranges::fill(bytes.first(header), std::byte{0});
    const std::size_t at = protocol == filter::kTcp ? 16 : protocol == filter::kUdp ? 6 : 2;
    ChecksumSum sum;
    if (protocol != filter::kIcmp4) sum.add_pseudo_header(from, to, protocol, transport.size());
    store_be(transport.data() + at, sum.add(transport).finish());
    copy_bytes(bytes.subspan(header), transport);
    if (from.is_v4()) {
      bytes[0] = std::byte{0x45};
      bytes[1] = std::byte{0xb8};  // expedited forwarding
      store_be(bytes.data() + 2, static_cast<std::uint16_t>(bytes.size()));
      bytes[6] = std::byte{0x40};
      bytes[8] = std::byte{61};
      bytes[9] = std::byte{protocol};
      copy_bytes(bytes.subspan(12), from.bytes());
      copy_bytes(bytes.subspan(16), to.bytes());
      store_be(bytes.data() + 10, ChecksumSum().add(bytes.first(20)).finish());
    } else {
      bytes[0] = std::byte{0x6b};
      bytes[1] = std::byte{0x80};
      store_be(bytes.data() + 4, static_cast<std::uint16_t>(transport.size()));
      bytes[6] = std::byte{protocol};
      bytes[7] = std::byte{61};
      copy_bytes(bytes.subspan(8), from.bytes());
      copy_bytes(bytes.subspan(24), to.bytes());
    }
    return out;
  }

  static std::vector<std::byte> udp(std::uint16_t from, std::uint16_t to, std::size_t size = 5) {
    std::vector<std::byte> out(8 + size, std::byte{0x5a});
    store_be(out.data(), from);
    store_be(out.data() + 2, to);
    store_be(out.data() + 4, static_cast<std::uint16_t>(out.size()));
    store_be(out.data() + 6, std::uint16_t{0});
    return out;
  }
  static std::vector<std::byte> syn(
      std::uint16_t from, std::uint16_t to, std::uint16_t segment_size, unsigned flags = 0x02) {
    std::vector<std::byte> out(20 + 8);
    store_be(out.data(), from);
    store_be(out.data() + 2, to);
    out[12] = std::byte{7 << 4};
    out[13] = static_cast<std::byte>(flags);
    out[20] = out[21] = std::byte{1};  // padding before: the option stands at an odd word
    out[22] = std::byte{2};
    out[23] = std::byte{4};
    store_be(out.data() + 24, segment_size);
    return out;
  }
  static std::vector<std::byte> echo(unsigned type, std::uint16_t id) {
    std::vector<std::byte> out(8 + 11, std::byte{0x33});
    out[0] = static_cast<std::byte>(type);
    out[1] = std::byte{0};
    store_be(out.data() + 2, std::uint16_t{0});
    store_be(out.data() + 4, id);
    return out;
  }
  static std::vector<std::byte> error(
      unsigned type, unsigned code, std::uint32_t rest, Bytes quoted) {
    std::vector<std::byte> out(8);
    out[0] = static_cast<std::byte>(type);
    out[1] = static_cast<std::byte>(code);
    store_be(out.data() + 4, rest);
    out.insert(out.end(), quoted.begin(), quoted.end());
    return out;
  }

  bool in(Packet& packet, const IpAddress* peer = &kPeer4) {
    return gateway_.to_site(packet, PacketView::parse(packet.bytes()), peer);
  }
  SiteGateway::Answer out(Packet& packet) {
    return gateway_.from_site(packet, PacketView::parse(packet.bytes()));
  }

  // Every checksum sums up, lengths fit, and the ends are these.
  static void expect_sound(const Packet& packet, const IpAddress& from, const IpAddress& to) {
    const auto view = PacketView::parse(packet.bytes());
    ASSERT_NE(view.protocol, filter::kUnknownProtocol);
    EXPECT_EQ(view.source.address, from);
    EXPECT_EQ(view.destination.address, to);
    const std::size_t header = header_size(from);
    EXPECT_EQ(view.transport.size() + header, packet.size());
    if (from.is_v4()) {
      EXPECT_EQ(ChecksumSum().add(packet.bytes().first(20)).finish(), 0);
    }
    ChecksumSum sum;
    if (view.protocol != filter::kIcmp4)
      sum.add_pseudo_header(from, to, view.protocol, view.transport.size());
    EXPECT_EQ(sum.add(view.transport).finish(), 0);
  }

  PacketPool pool_;
  SiteGateway gateway_{kMtu};
};

TEST_F(SiteGatewayTest, CarriesUdpThereAndBack) {
  Packet question = packet(kPeer6, kNas6, filter::kUdp, udp(5000, 53));
  ASSERT_TRUE(in(question));
  expect_sound(question, kPeer4, kNas4);
  const auto view = PacketView::parse(question.bytes());
  EXPECT_EQ(view.source.port, 5000);
  EXPECT_EQ(static_cast<unsigned>(question.bytes()[1]), 0xb8u);  // priority is kept
  EXPECT_EQ(static_cast<unsigned>(question.bytes()[8]), 61u);

  Packet answer = packet(kNas4, kPeer4, filter::kUdp, udp(53, 5000, 100));
  ASSERT_EQ(out(answer), SiteGateway::Answer::Translated);
  expect_sound(answer, kNas6, kPeer6);
  EXPECT_THAT(
      answer.bytes(),
      ElementsAreArray(packet(kNas6, kPeer6, filter::kUdp, udp(53, 5000, 100)).bytes()));
}

TEST_F(SiteGatewayTest, GivesADatagramWithoutChecksumOne) {
  Packet question = packet(kPeer6, kNas6, filter::kUdp, udp(5000, 53));
  ASSERT_TRUE(in(question));
  Packet answer = packet(kNas4, kPeer4, filter::kUdp, udp(53, 5000));
  store_be(answer.mutable_bytes().data() + 26, std::uint16_t{0});
  ASSERT_EQ(out(answer), SiteGateway::Answer::Translated);
  expect_sound(answer, kNas6, kPeer6);
}

TEST_F(SiteGatewayTest, LowersTheSegmentSizeBothWays) {
  Packet open = packet(kPeer6, kNas6, filter::kTcp, syn(40000, 22, 1440));
  ASSERT_TRUE(in(open));
  expect_sound(open, kPeer4, kNas4);
  EXPECT_EQ(load_be<std::uint16_t>(open.bytes().data() + 20 + 24), kMtu - 60);

  Packet agreed = packet(kNas4, kPeer4, filter::kTcp, syn(22, 40000, 1460, 0x12));
  ASSERT_EQ(out(agreed), SiteGateway::Answer::Translated);
  expect_sound(agreed, kNas6, kPeer6);
  EXPECT_EQ(load_be<std::uint16_t>(agreed.bytes().data() + 40 + 24), kMtu - 60);

  Packet small = packet(kPeer6, kNas6, filter::kTcp, syn(40001, 22, 536));
  ASSERT_TRUE(in(small));
  expect_sound(small, kPeer4, kNas4);
  EXPECT_EQ(load_be<std::uint16_t>(small.bytes().data() + 20 + 24), 536);
}

TEST_F(SiteGatewayTest, CarriesPings) {
  Packet request = packet(kPeer6, kNas6, filter::kIcmp6, echo(128, 77));
  ASSERT_TRUE(in(request));
  expect_sound(request, kPeer4, kNas4);
  EXPECT_TRUE(PacketView::parse(request.bytes()).is_echo_request());
  Packet reply = packet(kNas4, kPeer4, filter::kIcmp4, echo(0, 77));
  ASSERT_EQ(out(reply), SiteGateway::Answer::Translated);
  expect_sound(reply, kNas6, kPeer6);
  EXPECT_TRUE(PacketView::parse(reply.bytes()).is_echo_reply());

  Packet stranger = packet(kNas4, kPeer4, filter::kIcmp4, echo(0, 78));
  EXPECT_EQ(out(stranger), SiteGateway::Answer::NotOurs);
}

TEST_F(SiteGatewayTest, TranslatesAnErrorWithWhatItQuotes) {
  Packet question = packet(kPeer6, kNas6, filter::kUdp, udp(5000, 53));
  const Packet asked = packet(kPeer6, kNas6, filter::kUdp, udp(5000, 53));
  ASSERT_TRUE(in(question));
  const IpAddress router = ip("192.168.1.1");
  struct {
    unsigned type, code;
    std::uint32_t rest;
    unsigned type6, code6;
    std::uint32_t rest6;
  } static constexpr kCases[] = {
      {3, 3, 0, 1, 4, 0},  {3, 1, 0, 1, 0, 0},       {3, 13, 0, 1, 1, 0},
      {11, 0, 0, 3, 0, 0}, {3, 4, 1400, 2, 0, 1420}, {3, 4, 576, 2, 0, 1280},
  };
  for (const auto& c : kCases) {
    Packet refused =
        packet(router, kPeer4, filter::kIcmp4, error(c.type, c.code, c.rest, question.bytes()));
    ASSERT_EQ(out(refused), SiteGateway::Answer::Translated);
    expect_sound(refused, ip("fd7a:115c:a1e0:b1a:0:7:c0a8:101"), kPeer6);
    const Bytes message = refused.bytes().subspan(40);
    EXPECT_EQ(static_cast<unsigned>(message[0]), c.type6);
    EXPECT_EQ(static_cast<unsigned>(message[1]), c.code6);
    EXPECT_EQ(load_be<std::uint32_t>(message.data() + 4), c.rest6);
    // What the peer sent, but for a checksum that nobody reads there.
    EXPECT_THAT(message.subspan(8, 40 + 6), ElementsAreArray(asked.bytes().first(40 + 6)));
  }
}

TEST_F(SiteGatewayTest, TranslatesWhatThePeerRefuses) {
  Packet question = packet(kPeer6, kNas6, filter::kUdp, udp(5000, 53));
  ASSERT_TRUE(in(question));
  const Packet sent = packet(kNas4, kPeer4, filter::kUdp, udp(53, 5000));
  Packet answer = packet(kNas4, kPeer4, filter::kUdp, udp(53, 5000));
  ASSERT_EQ(out(answer), SiteGateway::Answer::Translated);

  Packet refused = packet(kPeer6, kNas6, filter::kIcmp6, error(1, 4, 0, answer.bytes()));
  ASSERT_TRUE(in(refused));
  expect_sound(refused, kPeer4, kNas4);
  const Bytes message = refused.bytes().subspan(20);
  EXPECT_EQ(static_cast<unsigned>(message[0]), 3u);
  EXPECT_EQ(static_cast<unsigned>(message[1]), 3u);
  EXPECT_THAT(message.subspan(8 + 12, 8 + 6), ElementsAreArray(sent.bytes().subspan(12, 8 + 6)));
}

TEST_F(SiteGatewayTest, KeepsPeersAndSitesApart) {
  gateway_.set_routes(std::vector{
      *Prefix::parse("fd7a:115c:a1e0:b1a:0:7:c0a8:100/120"),
      *Prefix::parse("fd7a:115c:a1e0:b1a:0:8:c0a8:100/120")});
  const IpAddress other6 = ip("fd7a:115c:a1e0::9"), other4 = ip("100.64.0.9");
  const IpAddress second6 = ip("fd7a:115c:a1e0:b1a:0:8:c0a8:105");
  Packet one = packet(kPeer6, kNas6, filter::kUdp, udp(5000, 53));
  Packet two = packet(other6, second6, filter::kUdp, udp(5000, 53));
  ASSERT_TRUE(in(one));
  ASSERT_TRUE(in(two, &other4));
  Packet to_one = packet(kNas4, kPeer4, filter::kUdp, udp(53, 5000));
  Packet to_two = packet(kNas4, other4, filter::kUdp, udp(53, 5000));
  ASSERT_EQ(out(to_one), SiteGateway::Answer::Translated);
  ASSERT_EQ(out(to_two), SiteGateway::Answer::Translated);
  expect_sound(to_one, kNas6, kPeer6);
  expect_sound(to_two, second6, other6);
}

TEST_F(SiteGatewayTest, LeavesEverythingElseAlone) {
  Packet unasked = packet(kNas4, kPeer4, filter::kUdp, udp(53, 5000));
  EXPECT_EQ(out(unasked), SiteGateway::Answer::NotOurs);
  EXPECT_THAT(
      unasked.bytes(),
      ElementsAreArray(packet(kNas4, kPeer4, filter::kUdp, udp(53, 5000)).bytes()));
  EXPECT_TRUE(gateway_.serves(kNas6));
  EXPECT_FALSE(gateway_.serves(ip("fd7a:115c:a1e0:b1a:0:8:c0a8:105")));
  EXPECT_FALSE(gateway_.serves(kNas4));
}

TEST_F(SiteGatewayTest, CountsWhatItCannotCarry) {
  Packet sctp = packet(kPeer6, kNas6, 132, std::vector<std::byte>(24));
  EXPECT_FALSE(in(sctp));
  EXPECT_EQ(gateway_.counters().untranslatable, 1u);
  Packet question = packet(kPeer6, kNas6, filter::kUdp, udp(5000, 53));
  EXPECT_FALSE(in(question, nullptr));
  EXPECT_EQ(gateway_.counters().no_ipv4, 1u);
  ASSERT_TRUE(in(question));
  Packet piece = packet(kNas4, kPeer4, filter::kUdp, udp(53, 5000));
  piece.mutable_bytes()[6] = std::byte{0x20};  // more fragments follow
  EXPECT_EQ(out(piece), SiteGateway::Answer::Drop);
}

TEST_F(SiteGatewayTest, ForgetsWithItsRoutes) {
  Packet question = packet(kPeer6, kNas6, filter::kUdp, udp(5000, 53));
  ASSERT_TRUE(in(question));
  gateway_.set_routes({});
  EXPECT_FALSE(gateway_.active());
  Packet answer = packet(kNas4, kPeer4, filter::kUdp, udp(53, 5000));
  EXPECT_EQ(out(answer), SiteGateway::Answer::NotOurs);
}

// What goes down comes up again as it was.
TEST_F(SiteGatewayTest, RoundTripsAnyPayload) {
  test::SeededRng rng(3);
  for (std::size_t size = 0; size < 1200; size += 7) {
    auto datagram = udp(5000, 53, size);
    rng.fill(std::span(datagram).subspan(8));
    const Packet before = packet(kPeer6, kNas6, filter::kUdp, datagram);
    Packet moved = packet(kPeer6, kNas6, filter::kUdp, datagram);
    ASSERT_TRUE(to_ipv4(moved, {kPeer4, kNas4, {}}, kMtu));
    expect_sound(moved, kPeer4, kNas4);
    ASSERT_TRUE(to_ipv6(moved, {kPeer6, kNas6, {}}, kMtu));
    EXPECT_THAT(moved.bytes(), ElementsAreArray(before.bytes()));
  }
}

}  // namespace
}  // namespace aya::sites
