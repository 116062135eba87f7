#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/wireguard/constants.h"
#include "tests/support/tunnel_pair.h"

namespace aya::tunnel {
namespace {

using test::Link;
using test::TunnelPair;
using testing::ElementsAre;
using namespace wireguard;

// Two ends that have just shaken hands, `a` as the initiator.
struct Connected : TunnelPair {
  explicit Connected(Link options = {}) : TunnelPair(options) {
    send(a, 0);
    advance(1s);
    a.received.clear();
    b.received.clear();
  }
};

TEST(TunnelPackets, ShakesHandsAndDeliversWhatWaited) {
  TunnelPair net;
  for (std::uint32_t i = 0; i < 10; ++i) net.send(net.a, i);
  EXPECT_EQ(net.a.stats().staged, 10u);
  net.advance(1s);
  EXPECT_THAT(net.b.received, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
  EXPECT_EQ(net.a.handshakes, 1u);
  EXPECT_EQ(net.b.handshakes, 1u);
  EXPECT_EQ(net.a.stats().last_handshake, WallTime(1767225600s) + 100s + 20ms);
}

TEST(TunnelPackets, TheResponderMayStartToTalkAsSoonAsItIsConfirmed) {
  TunnelPair net;
  auto config = *net.a.tunnel.config(TunnelPair::kPeer);
  config.keepalive_interval = 25s;  // nothing staged: the handshake is confirmed by a keepalive
  net.a.tunnel.upsert_peer(TunnelPair::kPeer, config);
  net.advance(1s);
  net.send(net.b, 5);
  net.advance(1s);
  EXPECT_THAT(net.a.received, ElementsAre(5));
  EXPECT_EQ(net.a.handshakes + net.b.handshakes, 2u);
}

TEST(TunnelPackets, TheResponderDoesNotSendOnAnUnconfirmedKey) {
  TunnelPair net;
  bool responses_only = true;
  net.on_wire = [&](const TunnelPair::End& from, Bytes datagram) {
    if (&from == &net.b) {
      responses_only = responses_only && message_type(datagram) != MessageType::Transport;
    }
    return &from == &net.b || message_type(datagram) == MessageType::Initiation;
  };
  net.send(net.a, 1);
  net.advance(1s);
  net.send(net.b, 2);
  net.advance(2s);
  EXPECT_TRUE(responses_only);
  EXPECT_EQ(net.b.stats().staged, 1u);
}

TEST(TunnelPackets, SurvivesBothSidesInitiatingAtOnce) {
  TunnelPair net;
  net.send(net.a, 1);
  net.send(net.b, 2);
  net.advance(1s);
  EXPECT_THAT(net.b.received, ElementsAre(1));
  EXPECT_THAT(net.a.received, ElementsAre(2));
  net.send(net.a, 3);
  net.send(net.b, 4);
  net.advance(1s);
  EXPECT_TRUE(net.b.received.contains(3));
  EXPECT_TRUE(net.a.received.contains(4));
  EXPECT_LE(net.a.stats().sessions, 3u);
}

TEST(TunnelPackets, NeedsTheSamePresharedKeyOnBothSides) {
  TunnelPair net;
  auto config = *net.a.tunnel.config(TunnelPair::kPeer);
  config.preshared_key.mutable_bytes()[0] = std::byte{1};
  net.a.tunnel.upsert_peer(TunnelPair::kPeer, config);
  net.send(net.a, 1);
  net.advance(20s);
  EXPECT_TRUE(net.b.received.empty());
  EXPECT_GT(net.a.tunnel.counters()[Drop::BadHandshake], 0u);
  auto same = *net.b.tunnel.config(TunnelPair::kPeer);
  same.preshared_key = config.preshared_key;
  net.b.tunnel.upsert_peer(TunnelPair::kPeer, same);
  net.advance(6s);
  EXPECT_THAT(net.b.received, ElementsAre(1));
}

TEST(TunnelPackets, DropsReplayedDatagramsOnce) {
  Connected net;
  Buffer copy;
  net.on_wire = [&](const TunnelPair::End&, Bytes datagram) {
    copy.assign(datagram.begin(), datagram.end());
    return true;
  };
  net.send(net.a, 1);
  net.advance(1s);
  net.inject(net.b, copy, net.a.at);
  EXPECT_EQ(net.b.received.count(1), 1u);
  EXPECT_EQ(net.b.tunnel.counters()[Drop::Replayed], 1u);
}

TEST(TunnelPackets, ADamagedDatagramDoesNotUseUpItsCounter) {
  Connected net;
  Buffer copy;
  net.on_wire = [&](const TunnelPair::End&, Bytes datagram) {
    copy.assign(datagram.begin(), datagram.end());
    return false;
  };
  net.send(net.a, 1);
  Buffer damaged = copy;
  damaged.back() ^= std::byte{1};
  net.inject(net.b, damaged, net.a.at);
  EXPECT_EQ(net.b.tunnel.counters()[Drop::BadSeal], 1u);
  net.inject(net.b, copy, net.a.at);
  EXPECT_THAT(net.b.received, ElementsAre(1));
}

TEST(TunnelPackets, ReportsWhereAPeerWasHeardAndFollowsItWhenItRoams) {
  Connected net;
  net.b.heard.clear();
  net.a.at = TunnelPair::address(77, 4242);
  net.send(net.a, 1);
  net.advance(1s);
  ASSERT_EQ(net.b.heard.size(), 1u);
  EXPECT_EQ(net.b.heard[0].peer, TunnelPair::kPeer);
  EXPECT_EQ(net.b.heard[0].from, net.a.at);
  net.send(net.b, 2);
  net.advance(1s);
  EXPECT_THAT(net.a.received, ElementsAre(2));
}

TEST(TunnelPackets, ReportsOnlyTheLastAuthenticSourceOfABatch) {
  Connected net;
  std::vector<Buffer> sent;
  net.on_wire = [&](const TunnelPair::End&, Bytes datagram) {
    sent.emplace_back(datagram.begin(), datagram.end());
    return false;
  };
  for (std::uint32_t i = 0; i < 4; ++i) net.send(net.a, i);
  sent[3].back() ^= std::byte{1};  // forged, from yet another place
  std::vector<Datagram> batch;
  for (std::uint8_t i = 0; i < 4; ++i) {
    batch.push_back({net.b.pool.copy_of(sent[i]), TunnelPair::address(i), {}});
  }
  net.b.tunnel.open(batch, net.now, net.b.effects);
  ASSERT_EQ(net.b.effects.heard.size(), 1u);
  EXPECT_EQ(net.b.effects.heard[0].from, TunnelPair::address(2));
  EXPECT_EQ(net.b.effects.to_host.size(), 3u);
  batch.clear();
  net.b.effects.clear();
}

TEST(TunnelPackets, HearsNothingInForgeriesAndCookies) {
  Connected net;
  net.b.heard.clear();
  net.inject(net.b, Buffer(148, std::byte{1}), TunnelPair::address(9));
  Buffer transport(64);
  transport[0] = std::byte{4};
  net.inject(net.b, transport, TunnelPair::address(9));
  Buffer cookie(64);
  cookie[0] = std::byte{3};
  net.inject(net.b, cookie, TunnelPair::address(9));
  EXPECT_TRUE(net.b.heard.empty());
}

TEST(TunnelPackets, PadsToSixteenButNeverAboveTheMtuAndStripsItAgain) {
  Connected net;
  std::vector<std::size_t> sizes;
  net.on_wire = [&](const TunnelPair::End&, Bytes datagram) {
    sizes.push_back(datagram.size() - kTransportOverhead);
    return true;
  };
  for (const std::size_t payload : {13u, 1260u, 1255u}) {
    Packet packet = TunnelPair::numbered(net.a.pool, net.a.inner, 7, payload);
    net.a.tunnel.seal(TunnelPair::kPeer, std::span(&packet, 1), net.now, net.a.effects);
    ASSERT_EQ(net.a.effects.to_network.size(), 1u);
    const Bytes datagram = net.a.effects.to_network[0].datagram.bytes();
    EXPECT_EQ(datagram.size() - kTransportOverhead, payload == 13 ? 48u : 1280u);
    Datagram arrived{net.b.pool.copy_of(datagram), net.a.at, {}};
    net.b.tunnel.open(std::span(&arrived, 1), net.now, net.b.effects);
    ASSERT_EQ(net.b.effects.to_host.size(), 1u);
    EXPECT_EQ(net.b.effects.to_host[0].inner.size(), 20 + payload);
    net.a.effects.clear();
    net.b.effects.clear();
  }
}

TEST(TunnelPackets, DropsSourcesThatAreAnotherPeersByLongestPrefix) {
  Connected net;
  const PeerId other{8};
  test::SeededRng rng(99);
  net.b.tunnel.upsert_peer(other, {NodePrivateKey::generate(rng).public_key(), {}, {}});
  const Prefix wide = *Prefix::parse("10.0.0.0/8");
  net.b.tunnel.set_allowed_ips(TunnelPair::kPeer, std::span(&wide, 1));
  net.send(net.a, 1);
  net.advance(1s);
  EXPECT_THAT(net.b.received, ElementsAre(1));
  // The peer's /8 still covers the address, but a longer prefix is somebody else's now.
  net.b.tunnel.add_allowed_ip(other, Prefix::host(net.a.inner));
  net.send(net.a, 2);
  net.advance(1s);
  EXPECT_THAT(net.b.received, ElementsAre(1));
  EXPECT_EQ(net.b.tunnel.counters()[Drop::WrongSource], 1u);
}

TEST(TunnelPackets, DropsWhatIsNotAWholeIpPacket) {
  Connected net;
  const auto send_raw = [&](std::initializer_list<unsigned> start, std::size_t size) {
    Packet packet = TunnelPair::numbered(net.a.pool, net.a.inner, 1, size - 20);
    std::size_t at = 0;
    for (const unsigned b : start) packet.mutable_bytes()[at++] = static_cast<std::byte>(b);
    net.a.tunnel.seal(TunnelPair::kPeer, std::span(&packet, 1), net.now, net.a.effects);
    Datagram arrived{
        net.b.pool.copy_of(net.a.effects.to_network.back().datagram.bytes()), net.a.at, {}};
    net.b.tunnel.open(std::span(&arrived, 1), net.now, net.b.effects);
    net.a.effects.clear();
  };
  send_raw({0x15}, 32);                 // version 1
  send_raw({0x45, 0, 0, 19}, 32);       // shorter than its header
  send_raw({0x45, 0, 1, 0}, 32);        // longer than there is
  send_raw({0x60, 0, 0, 0, 0, 8}, 32);  // IPv6 without a header
  EXPECT_TRUE(net.b.effects.to_host.empty());
  EXPECT_EQ(net.b.tunnel.counters()[Drop::BadInner], 4u);
  net.b.effects.clear();
}

TEST(TunnelPackets, DropsPacketsWithoutRoomAndSendsTheRest) {
  Connected net;
  std::vector<Packet> batch;
  batch.push_back(TunnelPair::numbered(net.a.pool, net.a.inner, 1));
  batch.push_back(TunnelPair::numbered(net.a.pool, net.a.inner, 2));
  batch[0].grow_front(batch[0].headroom());  // an inner packet that fills the slab to the front
  net.a.tunnel.seal(TunnelPair::kPeer, batch, net.now, net.a.effects);
  EXPECT_EQ(net.a.effects.to_network.size(), 1u);
  EXPECT_EQ(net.a.tunnel.counters()[Drop::NoRoom], 1u);
  net.a.effects.clear();
}

TEST(TunnelPackets, OpensMixedBatchesOfManyPeersInTheOrderTheyCame) {
  // One hub, three spokes; their datagrams arrive interleaved in one batch.
  test::SeededRng rng(7);
  PacketPool pool;
  const auto wall = [] { return WallTime(1767225600s); };
  const NodePrivateKey hub_key = NodePrivateKey::generate(rng);
  Tunnel hub(hub_key, rng, pool, {.wall_clock = wall});
  std::vector<std::unique_ptr<Tunnel>> spokes;
  TimePoint now{5s};
  Effects at_hub, at_spoke;
  for (std::uint32_t i = 0; i < 3; ++i) {
    const NodePrivateKey key = NodePrivateKey::generate(rng);
    const Prefix inner = Prefix::host(TunnelPair::inner_address(static_cast<std::uint8_t>(10 + i)));
    hub.upsert_peer(PeerId{i}, {key.public_key(), {}, {}});
    hub.set_allowed_ips(PeerId{i}, std::span(&inner, 1));
    spokes.push_back(std::make_unique<Tunnel>(key, rng, pool, Options{.wall_clock = wall}));
    spokes[i]->upsert_peer(TunnelPair::kPeer, {hub_key.public_key(), {}, {}});
    Packet first = TunnelPair::numbered(pool, inner.address, 0);
    spokes[i]->seal(TunnelPair::kPeer, std::span(&first, 1), now, at_spoke);
    for (int turn = 0; turn < 2; ++turn) {
      std::vector<Datagram> forth;
      for (ToPeer& send : at_spoke.to_network) forth.push_back({std::move(send.datagram), {}, {}});
      at_spoke.clear();
      hub.open(forth, now, at_hub);
      std::vector<Datagram> back;
      for (ToPeer& send : at_hub.to_network) back.push_back({std::move(send.datagram), {}, {}});
      at_hub.clear();
      spokes[i]->open(back, now, at_spoke);
    }
    at_spoke.clear();
  }
  std::vector<Datagram> batch;
  for (std::uint32_t number = 0; number < 200; ++number) {
    const std::uint32_t spoke = number * number % 3;
    Packet packet = TunnelPair::numbered(
        pool, TunnelPair::inner_address(static_cast<std::uint8_t>(10 + spoke)), number);
    spokes[spoke]->seal(TunnelPair::kPeer, std::span(&packet, 1), now, at_spoke);
    batch.push_back({std::move(at_spoke.to_network.back().datagram), {}, {}});
    at_spoke.clear();
  }
  hub.open(batch, now, at_hub);
  ASSERT_EQ(at_hub.to_host.size(), 200u);
  for (std::uint32_t number = 0; number < 200; ++number) {
    EXPECT_EQ(load_le<std::uint32_t>(at_hub.to_host[number].inner.bytes().data() + 20), number);
  }
  EXPECT_EQ(at_hub.heard.size(), 2u);  // squares are 0 or 1 modulo 3
}

TEST(TunnelPackets, UnderLoadAnswersWithACookieAndThenTakesTheRetry) {
  TunnelPair net;
  // A flood of initiations of one impostor, who knows b's key but is no peer of it.
  TunnelPair::End impostor(55, TunnelPair::address(66), [&] { return net.wall(); });
  Buffer initiation;
  impostor.tunnel.upsert_peer(TunnelPair::kPeer, {net.b.key.public_key(), {}, {}});
  Packet packet = TunnelPair::numbered(impostor.pool, impostor.inner, 1);
  impostor.tunnel.seal(TunnelPair::kPeer, std::span(&packet, 1), net.now, impostor.effects);
  const Bytes message = impostor.effects.to_network[0].datagram.bytes();
  initiation.assign(message.begin(), message.end());
  impostor.effects.clear();
  const auto flood = [&] {
    for (int i = 0; i < 700; ++i) net.inject(net.b, initiation, impostor.at);
  };
  flood();
  EXPECT_GT(net.b.cookies, 0u);

  net.send(net.a, 1);
  net.advance(100ms);
  EXPECT_EQ(net.a.tunnel.counters().cookies_taken, 1u);
  EXPECT_EQ(net.a.handshakes, 0u);  // the cookie makes nobody hurry
  net.advance(4s);
  flood();  // still loaded when the retry comes
  net.advance(1s);
  flood();
  net.advance(1s);
  EXPECT_EQ(net.b.received.count(1), 1u);
  EXPECT_EQ(net.a.handshakes, 1u);
}

TEST(TunnelPackets, BelievesOneCookieOnlyAndOnlyForItsOwnMessage) {
  TunnelPair net;
  net.on_wire = [&](const TunnelPair::End& from, Bytes) { return &from != &net.a; };
  net.send(net.a, 1);
  Buffer forged(sizeof(CookieReply));
  forged[0] = std::byte{3};
  net.inject(net.a, forged, net.b.at);
  EXPECT_EQ(net.a.tunnel.counters().cookies_taken, 0u);
  EXPECT_EQ(net.a.tunnel.counters()[Drop::UnknownIndex], 1u);
}

TEST(TunnelPackets, CountsEveryKindOfGarbageAndLivesOn) {
  Connected net;
  test::SeededRng rng(123);
  for (int i = 0; i < 3000; ++i) {
    Buffer garbage(rng.below(200));
    rng.fill(garbage);
    if (garbage.size() > 4) {
      garbage[0] = static_cast<std::byte>(rng.below(6));
      garbage[1] = garbage[2] = garbage[3] = std::byte{0};
    }
    net.inject(net.b, garbage, net.a.at);
  }
  net.send(net.a, 1);
  net.advance(1s);
  EXPECT_THAT(net.b.received, ElementsAre(1));
}

}  // namespace
}  // namespace aya::tunnel
