// Pairs of engines behind NATs of every kind: who becomes direct, how fast, and without loss.
#include "tests/daemon/path/path_node.h"

namespace aya::path {
namespace {

using test::NatKind;

TEST(NatTraversal, PortKeepingAddressAndPortFilteringPairIsDirectAtOnce) {
  TwoNodes pair;
  const TimePoint began = pair.net.now();
  pair.talk(2s);
  ASSERT_TRUE(pair.a.is_direct(pair.b));
  ASSERT_TRUE(pair.b.is_direct(pair.a));
  EXPECT_LE(pair.a.direct_at[pair.b.id] - began, 350ms);
  EXPECT_LE(pair.b.direct_at[pair.a.id] - began, 350ms);
  EXPECT_EQ(pair.a.direct_endpoint(pair.b), *Endpoint::parse("198.51.100.2:41641"));
  pair.expect_nothing_lost();
}

TEST(NatTraversal, OneWayTrafficMakesBothSidesDirect) {
  for (const bool a_speaks : {true, false}) {
    TwoNodes pair;
    PathNode& speaker = a_speaks ? pair.a : pair.b;
    PathNode& listener = a_speaks ? pair.b : pair.a;
    const TimePoint began = pair.net.now();
    for (int i = 0; i < 20; ++i) {
      speaker.say(listener);
      pair.net.advance(50ms);
    }
    ASSERT_TRUE(speaker.is_direct(listener)) << a_speaks;
    EXPECT_LE(speaker.direct_at[listener.id] - began, 350ms);
    EXPECT_LE(listener.direct_at[speaker.id] - began, 350ms);
    pair.expect_nothing_lost();
  }
}

TEST(NatTraversal, ASinglePacketIsEnough) {
  TwoNodes pair;
  pair.a.say(pair.b);
  pair.net.advance(1s);
  EXPECT_TRUE(pair.a.is_direct(pair.b));
  EXPECT_TRUE(pair.b.is_direct(pair.a));
}

TEST(NatTraversal, RelayCarriesUntilTheDirectPathIsProven) {
  TwoNodes pair;
  pair.a.say(pair.b);
  const Route route = pair.a.engine->route(pair.b.id, pair.net.now());
  EXPECT_EQ(route.primary, PathAddress::relayed(PathNode::kRegion));
  EXPECT_FALSE(route.also);
  pair.talk(1s);
  EXPECT_GT(pair.a.relayed, 0u);
  const auto relayed = pair.a.relayed;
  pair.talk(1s);
  EXPECT_EQ(pair.a.relayed, relayed);
  pair.expect_nothing_lost();
}

TEST(NatTraversal, WorksWhenControlKnowsNoEndpoints) {
  TwoNodes pair;
  pair.a.engine->upsert_peer(pair.b.id, pair.a.facts_of(pair.b, false), pair.net.now(), pair.a.fx);
  pair.b.engine->upsert_peer(pair.a.id, pair.b.facts_of(pair.a, false), pair.net.now(), pair.b.fx);
  pair.talk(1s);
  EXPECT_TRUE(pair.a.is_direct(pair.b));
  EXPECT_TRUE(pair.b.is_direct(pair.a));
}

TEST(NatTraversal, StaleEndpointsDelayNothingAndAreCorrected) {
  TwoNodes pair;
  pair.net.advance(10min);  // mappings are gone, our endpoints old
  pair.net.restart_nat(*pair.nat_a);
  pair.net.restart_nat(*pair.nat_b);
  const auto asked = pair.a.stun_asked;
  const TimePoint began = pair.net.now();
  pair.talk(2s);
  EXPECT_GT(pair.a.stun_asked, asked);
  ASSERT_TRUE(pair.a.is_direct(pair.b));
  EXPECT_LE(pair.a.direct_at[pair.b.id] - began, 1s);
  pair.expect_nothing_lost();
}

struct GridKind {
  const char* name;
  std::optional<NatKind> kind;
};
// nat-traversal 7.2, without its last row and column.
const GridKind kGrid[] = {
    {"public", std::nullopt},
    {"full_cone", NatKind::full_cone()},
    {"restricted", NatKind::restricted()},
    {"port_restricted", NatKind::port_restricted()},
    {"port_changing",
     NatKind{.filtering = NatKind::Filtering::AddressAndPortDependent, .preserves_ports = false}},
    {"hard", NatKind::hard()},
};

bool can_be_direct(std::size_t a, std::size_t b) {
  const auto filters_ports = [](std::size_t i) { return i >= 3; };
  constexpr std::size_t kHard = 5;
  if (a == kHard) return !filters_ports(b);
  if (b == kHard) return !filters_ports(a);
  return true;
}

class NatGrid : public testing::TestWithParam<std::tuple<std::size_t, std::size_t>> {};

TEST_P(NatGrid, PairIsDirectWhereverItCanBeAndRelayedElsewhere) {
  const auto [a, b] = GetParam();
  TwoNodes pair(kGrid[a].kind, kGrid[b].kind);
  pair.talk(8s);
  EXPECT_EQ(pair.a.is_direct(pair.b), can_be_direct(a, b));
  EXPECT_EQ(pair.b.is_direct(pair.a), can_be_direct(a, b));
  pair.expect_nothing_lost();
}

INSTANTIATE_TEST_SUITE_P(
    AllPairs, NatGrid,
    testing::Combine(testing::Range<std::size_t>(0, 6), testing::Range<std::size_t>(0, 6)),
    [](const auto& pair) {
      return std::string(kGrid[std::get<0>(pair.param)].name) + "_and_" +
             kGrid[std::get<1>(pair.param)].name;
    });

TEST(NatTraversal, NeighboursUseTheirOwnNetwork) {
  TestInternet net;
  const auto router = net.add_nat(*IpAddress::parse("198.51.100.1"), NatKind::port_restricted());
  PathNode a(net, 1, "192.168.1.2", router), b(net, 2, "192.168.1.3", router);
  a.meet(b);
  b.meet(a);
  a.say(b);
  net.advance(500ms);
  ASSERT_TRUE(a.is_direct(b));
  EXPECT_EQ(a.direct_endpoint(b), *Endpoint::parse("192.168.1.3:41641"));
  EXPECT_EQ(b.direct_endpoint(a), *Endpoint::parse("192.168.1.2:41641"));
}

TEST(NatTraversal, BlockedUdpLeavesTheRelayAndDisturbsNobody) {
  TestInternet net;
  const auto nat = [&](const char* outside) {
    return net.add_nat(*IpAddress::parse(outside), NatKind::port_restricted());
  };
  PathNode a(net, 1, "192.168.1.2", nat("198.51.100.1"));
  PathNode b(net, 2, "192.168.2.2", nat("198.51.100.2"));
  PathNode c(net, 3, "192.168.3.2", nat("198.51.100.3"));
  net.block_udp(c.host, true);
  for (PathNode* x : {&a, &b, &c}) {
    for (PathNode* y : {&a, &b, &c}) {
      if (x != y) x->meet(*y);
    }
  }
  for (int i = 0; i < 200; ++i) {
    a.say(b), a.say(c), b.say(a), b.say(c), c.say(a), c.say(b);
    net.advance(50ms);
  }
  EXPECT_TRUE(a.is_direct(b));
  EXPECT_FALSE(a.is_direct(c));
  EXPECT_FALSE(c.is_direct(a));
  EXPECT_FALSE(c.is_direct(b));
  net.advance(1s);
  for (PathNode* x : {&a, &b, &c}) {
    for (PathNode* y : {&a, &b, &c}) {
      if (x != y) {
        EXPECT_EQ(y->heard[x->id].size(), 200u);
      }
    }
  }
}

TEST(NatTraversal, LossAndReorderingOnlySlowItDown) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    TestInternet net(seed);
    const auto nat_a = net.add_nat(*IpAddress::parse("198.51.100.1"), NatKind::port_restricted());
    const auto nat_b = net.add_nat(*IpAddress::parse("198.51.100.2"), NatKind::port_restricted());
    PathNode a(net, 1, "192.168.1.2", nat_a), b(net, 2, "192.168.2.2", nat_b);
    a.meet(b);
    b.meet(a);
    net.set_weather({.loss = 0.2, .spread = 60ms});
    for (int i = 0; i < 600; ++i) {
      a.say(b), b.say(a);
      net.advance(20ms);
    }
    net.set_weather({});
    a.say(b), b.say(a);
    net.advance(4s);
    EXPECT_TRUE(a.is_direct(b)) << "seed " << seed;
    EXPECT_TRUE(b.is_direct(a)) << "seed " << seed;
    EXPECT_GT(b.heard[a.id].size(), 600u * 3 / 4);
  }
}

// A deployed node does less than we do: it neither pings back nor corrects itself early.
TEST(NatTraversal, FindsAPeerThatOnlyAnswersPingsAndCalls) {
  TestInternet net;
  const auto nat = net.add_nat(*IpAddress::parse("198.51.100.1"), NatKind::port_restricted());
  PathNode a(net, 1, "192.168.1.2", nat);
  test::SeededRng rng(99);
  const NodePublicKey node = NodePrivateKey::generate(rng).public_key();
  const auto disco_key = DiscoPrivateKey::generate(rng);
  PathEngine::Options options;
  PathEngine plain(disco_key, node, rng, options);
  Effects fx;
  plain.upsert_peer(PeerId{1}, {a.node_key, a.engine->disco_key(), {}, 1, 140}, net.now(), fx);
  test::VirtualNetwork::HostId host{};
  const Endpoint at = *Endpoint::parse("198.51.100.7:41641");
  // Sends only what answers a ping or a call: pongs, and pings towards called addresses.
  const auto answer = [&](bool called) {
    for (const DiscoSend& send : fx.sends) {
      const bool is_pong = send.datagram.size() == 110;
      if (send.to.is_relay() || (!is_pong && !called)) continue;
      net.send({host, at.port}, send.to.udp, send.datagram);
    }
    fx.clear();
  };
  host = net.add_host(at.address, {}, [&](const Endpoint& from, std::uint16_t, Bytes bytes) {
    plain.on_disco(bytes, PathAddress::direct(from), {}, net.now(), fx);
    answer(false);
  });
  net.join_relay(1, node, host, [&](RegionId region, const NodePublicKey& from, Bytes bytes) {
    if (stun::classify(bytes).kind != stun::DatagramKind::Disco) return;
    plain.on_disco(bytes, PathAddress::relayed(region), from, net.now(), fx);
    answer(true);
  });
  a.engine->upsert_peer(PeerId{2}, {node, disco_key.public_key(), {at}, 1, 140}, net.now(), a.fx);
  a.engine->note_traffic(PeerId{2}, net.now(), a.fx);
  a.carry_out();
  net.advance(1s);
  EXPECT_TRUE(a.engine->status(PeerId{2}, net.now())->trusted);
}

}  // namespace
}  // namespace aya::path
