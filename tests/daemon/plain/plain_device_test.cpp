// Two plain interfaces joined in memory: configured by text, packets across, roaming.
#include "daemon/plain/plain_device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/base/hex.h"
#include "tests/support/tunnel_pair.h"

namespace aya::plain {
namespace {

using test::TunnelPair;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class End final : public PlainDevice::Ports {
 public:
  End(std::uint64_t seed, const char* address)
      : rng(seed),
        key(NodePrivateKey::generate(rng)),
        at(*Endpoint::parse(address)),
        device(rng, pool, {.wall_clock = [this] { return wall; }}, *this) {}

  void to_host(std::span<const Packet> packets) override {
    for (const Packet& packet : packets) {
      received.push_back(load_le<std::uint32_t>(packet.bytes().data() + 20));
    }
  }
  void to_udp(std::span<const UdpOut> datagrams) override {
    for (const UdpOut& one : datagrams) {
      sent.push_back({Buffer(one.bytes.begin(), one.bytes.end()), one.to});
    }
  }
  void set(const std::string& lines, TimePoint now) {
    const auto edit = parse_set("set=1\n" + lines + "\n");
    ASSERT_TRUE(edit) << lines;
    device.apply(*edit, now);
  }
  std::string public_hex() const { return to_hex(key.public_key().bytes()); }
  PeerView peer() const { return device.view().peers.at(0); }

  test::SeededRng rng;
  PacketPool pool;
  NodePrivateKey key;
  Endpoint at;
  WallTime wall{1767225600s};
  PlainDevice device;
  std::vector<std::uint32_t> received;
  std::vector<std::pair<Buffer, Endpoint>> sent;
};

class PlainDeviceTest : public testing::Test {
 protected:
  PlainDeviceTest() {
    for (End* end : {&a, &b}) {
      end->set("private_key=" + to_hex(end->key.secret().bytes()) + "\n", now);
    }
    a.set("public_key=" + b.public_hex() + "\nendpoint=192.0.2.2:2\nallowed_ip=10.0.0.2/32\n", now);
    b.set("public_key=" + a.public_hex() + "\nallowed_ip=10.0.0.1/32\n", now);
  }
  // From 10.0.0.x to 10.0.0.y.
  static Packet packet(End& from, std::uint8_t x, std::uint8_t y, std::uint32_t number) {
    Packet out = TunnelPair::numbered(from.pool, TunnelPair::inner_address(x), number);
    out.mutable_bytes()[16] = std::byte{10};
    out.mutable_bytes()[19] = std::byte{y};
    return out;
  }
  void send(End& from, std::uint8_t x, std::uint8_t y, std::vector<std::uint32_t> numbers) {
    std::vector<Packet> batch;
    for (const auto number : numbers) batch.push_back(packet(from, x, y, number));
    from.device.from_host(batch, now);
    settle();
  }
  void settle() {
    for (bool moved = true; moved;) {
      moved = carry(a, b);
      moved |= carry(b, a);
    }
  }
  bool carry(End& from, End& to) {
    std::vector<UdpIn> batch;
    for (const auto& [bytes, where] : std::exchange(from.sent, {})) {
      if (where == to.at) batch.push_back({to.pool.copy_of(bytes), from.at});
    }
    to.device.from_udp(batch, now);
    return !batch.empty();
  }
  void advance(Duration by) {
    const TimePoint end = now + by;
    for (;;) {
      const auto next = earlier(a.device.next_deadline(), b.device.next_deadline());
      now = next && *next < end ? std::max(*next, now) : end;
      a.device.advance(now);
      b.device.advance(now);
      settle();
      if (now == end) break;
    }
  }

  TimePoint now{100s};
  End a{1, "192.0.2.1:1"}, b{2, "192.0.2.2:2"};
};

TEST_F(PlainDeviceTest, PacketsCrossInTheirOrderAndTheOtherEndLearnsWhereWeAre) {
  EXPECT_EQ(b.peer().endpoint, std::nullopt);
  send(a, 1, 2, {1, 2, 3});
  EXPECT_THAT(b.received, ElementsAre(1u, 2u, 3u));
  EXPECT_EQ(b.peer().endpoint, a.at);
  send(b, 2, 1, {7});
  EXPECT_THAT(a.received, ElementsAre(7u));
  EXPECT_EQ(a.peer().last_handshake, a.wall);
  EXPECT_GT(a.peer().tx_bytes, 3u * 53);
  EXPECT_GT(a.peer().rx_bytes, 53u);
}

TEST_F(PlainDeviceTest, AnEndThatMovesIsFollowedOnItsFirstPacket) {
  send(a, 1, 2, {1});
  a.at = *Endpoint::parse("198.51.100.9:9");
  send(a, 1, 2, {2});
  EXPECT_EQ(b.peer().endpoint, a.at);
  send(b, 2, 1, {3});
  EXPECT_THAT(a.received, ElementsAre(3u));
}

TEST_F(PlainDeviceTest, WhatIsForNobodyOrFromSomebodyElseIsDropped) {
  send(a, 1, 9, {1});  // no peer has that address
  EXPECT_THAT(b.received, IsEmpty());
  send(a, 5, 2, {2});  // a source that is not a's
  EXPECT_THAT(b.received, IsEmpty());
  std::vector<Packet> odd;
  for (const std::size_t size : {0u, 1u, 19u, 39u}) {
    Packet& one = odd.emplace_back(a.pool.take());
    one.resize(size);
    std::ranges::fill(one.mutable_bytes(), size == 39 ? std::byte{0x60} : std::byte{0x45});
  }
  a.device.from_host(odd, now);
  settle();
  EXPECT_THAT(b.received, IsEmpty());
  send(a, 1, 2, {3});
  EXPECT_THAT(b.received, ElementsAre(3u));
}

TEST_F(PlainDeviceTest, AMixedBatchGoesWhereEachPacketBelongs) {
  std::vector<Packet> batch;
  const std::uint8_t targets[] = {2, 9, 2, 2, 9, 2};
  for (std::uint32_t i = 0; i < 6; ++i) batch.push_back(packet(a, 1, targets[i], i));
  a.device.from_host(batch, now);
  settle();
  EXPECT_THAT(b.received, ElementsAre(0u, 2u, 3u, 5u));
}

TEST_F(PlainDeviceTest, BothEndsNeedTheSamePresharedKey) {
  a.set("public_key=" + b.public_hex() + "\npreshared_key=" + std::string(64, '7') + "\n", now);
  send(a, 1, 2, {1});
  EXPECT_THAT(b.received, IsEmpty());
  b.set("public_key=" + a.public_hex() + "\npreshared_key=" + std::string(64, '7') + "\n", now);
  advance(20s);
  EXPECT_THAT(b.received, ElementsAre(1u));
}

TEST_F(PlainDeviceTest, AKeepaliveThatIsSwitchedOnOpensTheWayAtOnceAndHoldsIt) {
  a.set("public_key=" + b.public_hex() + "\npersistent_keepalive_interval=25\n", now);
  settle();
  EXPECT_EQ(b.peer().endpoint, a.at);
  EXPECT_EQ(a.peer().keepalive_seconds, 25);
  const auto before = b.peer().rx_bytes;
  advance(60s);
  EXPECT_GE(b.peer().rx_bytes, before + 2 * 32);
  EXPECT_THAT(b.received, IsEmpty());
}

TEST_F(PlainDeviceTest, PeersAreEditedAsTheTextSays) {
  const std::string other(64, 'c');
  a.set("public_key=" + other + "\nupdate_only=true\nallowed_ip=10.0.0.3/32\n", now);
  EXPECT_THAT(a.device.view().peers, SizeIs(1));
  a.set("public_key=" + other + "\nallowed_ip=10.0.0.3/32\n", now);
  EXPECT_THAT(a.device.view().peers, SizeIs(2));

  // An allowed address belongs to one peer: the last one that was given it.
  a.set("public_key=" + other + "\nallowed_ip=10.0.0.2/32\n", now);
  EXPECT_THAT(a.peer().allowed_ips, IsEmpty());
  a.set("public_key=" + other + "\nallowed_ip=-10.0.0.2/32\n", now);
  EXPECT_THAT(a.device.view().peers.at(1).allowed_ips, ElementsAre(*Prefix::parse("10.0.0.3/32")));
  a.set("public_key=" + other + "\nreplace_allowed_ips=true\nallowed_ip=10.0.0.4/32\n", now);
  EXPECT_THAT(a.device.view().peers.at(1).allowed_ips, ElementsAre(*Prefix::parse("10.0.0.4/32")));

  a.set("public_key=" + other + "\nremove=true\n", now);
  EXPECT_THAT(a.device.view().peers, SizeIs(1));
  a.set("public_key=" + other + "\nremove=true\n", now);  // again is no error
  a.set("replace_peers=true\npublic_key=" + other + "\n", now);
  ASSERT_THAT(a.device.view().peers, SizeIs(1));
  EXPECT_EQ(to_hex(a.peer().public_key.bytes()), other);
  // Our own key is passed over.
  a.set("public_key=" + a.public_hex() + "\n", now);
  EXPECT_THAT(a.device.view().peers, SizeIs(1));
}

TEST_F(PlainDeviceTest, WithoutAPrivateKeyNothingLeaves) {
  a.set("private_key=" + std::string(64, '0') + "\n", now);
  EXPECT_EQ(a.device.view().private_key, std::nullopt);
  send(a, 1, 2, {1});
  EXPECT_THAT(b.received, IsEmpty());
  a.set("private_key=" + to_hex(a.key.secret().bytes()) + "\n", now);
  send(a, 1, 2, {2});
  EXPECT_EQ(b.received.back(), 2u);
}

TEST_F(PlainDeviceTest, GarbageIsAnsweredWithNothing) {
  send(a, 1, 2, {1});
  for (std::size_t size = 0; size < 200; ++size) {
    Buffer junk(size);
    a.rng.fill(junk);
    if (size > 0) junk[0] = std::byte(1 + size % 5);
    UdpIn one{b.pool.copy_of(junk), a.at};
    b.device.from_udp({&one, 1}, now);
  }
  EXPECT_THAT(b.sent, IsEmpty());
  EXPECT_THAT(b.received, SizeIs(1));
  send(a, 1, 2, {2});
  EXPECT_THAT(b.received, SizeIs(2));
}

}  // namespace
}  // namespace aya::plain
