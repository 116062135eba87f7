// Single messages against one engine: who may say what over which carrier, limits, pings by people.
#include "proto/disco/envelope.h"
#include "proto/disco/messages.h"
#include "tests/daemon/path/path_node.h"

namespace aya::path {
namespace {

constexpr RegionId kRegion = 5;
constexpr PeerId kPeer{7};

// One engine, and the keys of its peer in our hands.
struct OneEngine {
  OneEngine() {
    engine.upsert_peer(kPeer, {node, peer.public_key(), {home}, kRegion, 150}, now, fx);
    engine.set_own_endpoints({*Endpoint::parse("198.51.100.1:41641")}, now, fx);
  }

  Buffer sealed(const disco::Message& message) {
    Buffer payload, out;
    disco::write(message, payload);
    const auto shared = crypto::box_shared_key(peer.secret(), engine.disco_key().bytes());
    disco::seal(peer.public_key(), *shared, payload, rng, out);
    return out;
  }
  void by_udp(const disco::Message& message, const Endpoint& from) {
    engine.on_disco(sealed(message), PathAddress::direct(from), {}, now, fx);
  }
  void by_relay(const disco::Message& message, const NodePublicKey& sender) {
    engine.on_disco(sealed(message), PathAddress::relayed(kRegion), sender, now, fx);
  }
  disco::Message opened(const DiscoSend& send) {
    const auto shared = crypto::box_shared_key(peer.secret(), engine.disco_key().bytes());
    return disco::parse(*disco::open(*shared, send.datagram)).value();
  }
  // What was sent of that type, with where to.
  template <class T>
  std::vector<std::pair<PathAddress, T>> take() {
    std::vector<std::pair<PathAddress, T>> out;
    for (const DiscoSend& send : fx.sends) {
      const auto message = opened(send);
      if (const T* wanted = std::get_if<T>(&message)) out.emplace_back(send.to, *wanted);
    }
    fx.clear();
    return out;
  }
  disco::Ping ping() { return {rng.array<12>(), node, 0}; }

  test::SeededRng rng{42};
  TimePoint now = TimePoint(1h);
  DiscoPrivateKey self = DiscoPrivateKey::generate(rng);
  DiscoPrivateKey peer = DiscoPrivateKey::generate(rng);
  NodePublicKey self_node = NodePrivateKey::generate(rng).public_key();
  NodePublicKey node = NodePrivateKey::generate(rng).public_key();
  NodePublicKey stranger = NodePrivateKey::generate(rng).public_key();
  Endpoint home = *Endpoint::parse("203.0.113.7:1000");
  Endpoint elsewhere = *Endpoint::parse("203.0.113.8:2000");
  PathEngine engine{self, self_node, rng};
  Effects fx;
};

TEST(PathMessages, PingIsAnsweredWhereItCameFromAndPingedBack) {
  OneEngine it;
  const auto ping = it.ping();
  it.by_udp(ping, it.elsewhere);
  ASSERT_EQ(it.fx.sends.size(), 2u);
  const auto pong = std::get<disco::Pong>(it.opened(it.fx.sends[0]));
  EXPECT_EQ(it.fx.sends[0].to, PathAddress::direct(it.elsewhere));
  EXPECT_EQ(pong.tx_id, ping.tx_id);
  EXPECT_EQ(pong.seen_from, it.elsewhere);
  const auto back = std::get<disco::Ping>(it.opened(it.fx.sends[1]));
  EXPECT_EQ(it.fx.sends[1].to, PathAddress::direct(it.elsewhere));
  EXPECT_EQ(back.node_key, it.self_node);
  EXPECT_EQ(it.fx.sends[1].datagram.size(), 124u);
}

TEST(PathMessages, RelayedPingIsAnsweredThroughTheRelay) {
  OneEngine it;
  it.by_relay(it.ping(), it.node);
  ASSERT_EQ(it.fx.sends.size(), 1u);
  EXPECT_EQ(it.fx.sends[0].to, PathAddress::relayed(kRegion));
  EXPECT_EQ(it.fx.sends[0].peer, it.node);
  const auto pong = std::get<disco::Pong>(it.opened(it.fx.sends[0]));
  EXPECT_EQ(pong.seen_from, *Endpoint::parse("127.3.3.40:5"));
}

TEST(PathMessages, SamePingFromTheSamePlaceIsAnsweredOnce) {
  OneEngine it;
  const auto ping = it.ping();
  it.by_udp(ping, it.home);
  it.by_udp(ping, it.home);
  EXPECT_EQ(it.take<disco::Pong>().size(), 1u);
  EXPECT_EQ(it.engine.drops().duplicate_ping, 1u);
}

TEST(PathMessages, CallMeMaybeCountsOnlyThroughTheRelayFromItsOwner) {
  OneEngine it;
  const disco::CallMeMaybe call{{it.elsewhere}};
  it.by_udp(call, it.home);
  it.by_relay(call, it.stranger);
  EXPECT_TRUE(it.fx.sends.empty());
  EXPECT_EQ(it.engine.drops().wrong_carrier, 2u);
  it.by_relay(call, it.node);
  const auto pings = it.take<disco::Ping>();
  ASSERT_EQ(pings.size(), 2u);  // from the netmap, and called
  EXPECT_EQ(pings[1].first, PathAddress::direct(it.elsewhere));
}

TEST(PathMessages, CallMeMaybeIsNotAnsweredByOne) {
  OneEngine it;
  it.by_relay(disco::CallMeMaybe{{it.elsewhere}}, it.node);
  EXPECT_TRUE(it.take<disco::CallMeMaybe>().empty());
}

TEST(PathMessages, StormOfCallsIsReactedToTwiceASecond) {
  OneEngine it;
  for (int i = 0; i < 100; ++i) it.by_relay(disco::CallMeMaybe{{it.elsewhere}}, it.node);
  EXPECT_EQ(it.take<disco::Ping>().size(), 2u);
  // The last of them is not forgotten either.
  it.now += kCallMeMaybeReaction;
  it.engine.advance(it.now, it.fx);
  EXPECT_EQ(it.take<disco::Ping>().size(), 2u);
  it.now += kCallMeMaybeReaction;
  it.engine.advance(it.now, it.fx);
  EXPECT_TRUE(it.take<disco::Ping>().empty());
}

TEST(PathMessages, PongsHaveABudget) {
  OneEngine it;
  for (int i = 0; i < 1000; ++i) it.by_udp(it.ping(), it.home);
  EXPECT_EQ(it.take<disco::Pong>().size(), kPongBurst);
  EXPECT_EQ(it.engine.drops().rate_limited, 1000 - kPongBurst);
  it.now += 1s;
  for (int i = 0; i < 1000; ++i) it.by_udp(it.ping(), it.home);
  EXPECT_EQ(it.take<disco::Pong>().size(), kPongsPerSecond);
}

TEST(PathMessages, PongThroughTheRelayProvesNothing) {
  OneEngine it;
  it.engine.note_traffic(kPeer, it.now, it.fx);
  const auto pings = it.take<disco::Ping>();
  ASSERT_EQ(pings.size(), 1u);
  it.by_relay(disco::Pong{pings[0].second.tx_id, it.home}, it.node);
  EXPECT_FALSE(it.engine.status(kPeer, it.now)->direct);
  EXPECT_EQ(it.engine.drops().unknown_pong, 1u);
  // The same by UDP does, and the path is where the ping went, not where the pong came from.
  it.now += 20ms;
  it.by_udp(disco::Pong{pings[0].second.tx_id, it.home}, it.elsewhere);
  EXPECT_EQ(it.engine.status(kPeer, it.now)->direct, it.home);
  EXPECT_EQ(it.engine.status(kPeer, it.now)->latency, 20ms);
  // But only once.
  it.by_udp(disco::Pong{pings[0].second.tx_id, it.home}, it.home);
  EXPECT_EQ(it.engine.drops().unknown_pong, 2u);
}

TEST(PathMessages, LatePongIsForgotten) {
  OneEngine it;
  it.engine.note_traffic(kPeer, it.now, it.fx);
  const auto pings = it.take<disco::Ping>();
  it.now += kPingTimeout;
  it.engine.advance(it.now, it.fx);
  it.by_udp(disco::Pong{pings[0].second.tx_id, it.home}, it.home);
  EXPECT_FALSE(it.engine.status(kPeer, it.now)->direct);
}

TEST(PathMessages, DiscoveryIsRepeatedEveryFiveSecondsAtMost) {
  OneEngine it;
  for (int i = 0; i < 49; ++i) {
    it.engine.note_traffic(kPeer, it.now, it.fx);
    it.now += 100ms;
  }
  std::size_t pings = 0, calls = 0;
  for (const DiscoSend& send : it.fx.sends) {
    (std::holds_alternative<disco::Ping>(it.opened(send)) ? pings : calls) += 1;
  }
  EXPECT_EQ(pings, 1u);
  EXPECT_EQ(calls, 1u);
}

TEST(PathMessages, StaleEndpointsAreToldAndCorrected) {
  OneEngine it;
  it.now += kEndpointsFreshFor;
  it.engine.note_traffic(kPeer, it.now, it.fx);
  EXPECT_TRUE(it.fx.wants_restun);
  EXPECT_EQ(it.take<disco::CallMeMaybe>().size(), 1u);
  it.engine.set_own_endpoints({it.elsewhere}, it.now, it.fx);
  const auto calls = it.take<disco::CallMeMaybe>();
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0].first, PathAddress::relayed(kRegion));
  EXPECT_EQ(calls[0].second.endpoints, std::vector{it.elsewhere});
  it.engine.set_own_endpoints({it.elsewhere}, it.now, it.fx);
  EXPECT_TRUE(it.take<disco::CallMeMaybe>().empty());
}

TEST(PathMessages, GarbageIsCountedByReason) {
  OneEngine it;
  const Buffer good = it.sealed(it.ping());
  const auto give = [&](Bytes datagram) {
    it.engine.on_disco(datagram, PathAddress::direct(it.home), {}, it.now, it.fx);
  };
  for (std::size_t size = 0; size < good.size(); ++size) give(Bytes(good).first(size));
  EXPECT_EQ(it.engine.drops().not_disco, disco::kHeaderSize);
  for (std::size_t at = 0; at < good.size(); ++at) {
    Buffer bad = good;
    bad[at] ^= std::byte{1};
    give(bad);
  }
  const Drops& drops = it.engine.drops();
  EXPECT_EQ(drops.unknown_sender, 32u);
  EXPECT_EQ(drops.not_disco + drops.unknown_sender + drops.bad_seal, 2 * good.size());
  EXPECT_TRUE(it.fx.sends.empty());
  EXPECT_FALSE(it.engine.next_deadline());
}

TEST(PathMessages, OneKeyOfTwoNodesIsCreditedByTheNodeKeyInThePing) {
  OneEngine it;
  const NodePublicKey twin = NodePrivateKey::generate(it.rng).public_key();
  it.engine.upsert_peer(PeerId{8}, {twin, it.peer.public_key(), {}, 6, 0}, it.now, it.fx);
  it.fx.clear();
  it.by_udp({disco::Ping{it.rng.array<12>(), twin, 0}}, it.elsewhere);
  ASSERT_FALSE(it.fx.sends.empty());
  EXPECT_EQ(it.fx.sends[0].peer, twin);
  // Its address may be either's.
  EXPECT_EQ(it.engine.status(kPeer, it.now)->candidates, 2u);
  EXPECT_EQ(it.engine.status(PeerId{8}, it.now)->candidates, 1u);
  // Removing one leaves the other its key.
  it.engine.remove_peer(kPeer);
  it.fx.clear();
  it.by_udp({disco::Ping{it.rng.array<12>(), twin, 0}}, it.elsewhere);
  EXPECT_FALSE(it.fx.sends.empty());
}

TEST(PathMessages, HeardFromANewAddressIsNotAPathBeforeAPong) {
  OneEngine it;
  it.engine.on_wireguard_heard(kPeer, PathAddress::direct(it.elsewhere), it.now, it.fx);
  EXPECT_FALSE(it.engine.status(kPeer, it.now)->direct);
  const auto pings = it.take<disco::Ping>();
  ASSERT_EQ(pings.size(), 1u);
  it.by_udp(disco::Pong{pings[0].second.tx_id, it.home}, it.elsewhere);
  EXPECT_EQ(it.engine.status(kPeer, it.now)->direct, it.elsewhere);
}

TEST(PathMessages, RemovedPeerIsAStranger) {
  OneEngine it;
  it.engine.remove_peer(kPeer);
  it.by_udp(it.ping(), it.home);
  EXPECT_EQ(it.engine.drops().unknown_sender, 1u);
  EXPECT_TRUE(it.engine.route(kPeer, it.now).primary.is_none());
  it.engine.note_traffic(kPeer, it.now, it.fx);
  EXPECT_TRUE(it.fx.sends.empty());
}

TEST(PathMessages, LowOrderDiscoKeyIsNone) {
  OneEngine it;
  std::array<std::byte, 32> one{};
  one[0] = std::byte{1};
  it.engine.upsert_peer(
      PeerId{8}, {it.stranger, DiscoPublicKey(one), {it.home}, 6, 0}, it.now, it.fx);
  it.engine.note_traffic(PeerId{8}, it.now, it.fx);
  EXPECT_TRUE(it.fx.sends.empty());
  EXPECT_EQ(it.engine.route(PeerId{8}, it.now).primary, PathAddress::relayed(6));
}

TEST(PathMessages, AnnouncementIsWantedByRecentNodes) {
  OneEngine it;
  EXPECT_TRUE(it.engine.wants_disco_announcement(kPeer));
  it.engine.upsert_peer(kPeer, {it.node, it.peer.public_key(), {}, kRegion, 143}, it.now, it.fx);
  EXPECT_FALSE(it.engine.wants_disco_announcement(kPeer));
}

TEST(CliPing, AnswersOverTheRelayFirstAndDirectlyOnceProven) {
  TwoNodes pair;
  const auto ping = [&](std::uint64_t id) {
    pair.a.engine->cli_ping(pair.b.id, PingId{id}, 0, pair.net.now(), pair.a.fx);
    pair.a.carry_out();
    pair.net.advance(1s);
  };
  ping(1);
  ASSERT_EQ(pair.a.pings_done.size(), 1u);
  EXPECT_EQ(pair.a.pings_done[0].via, PathAddress::relayed(PathNode::kRegion));
  EXPECT_EQ(pair.a.pings_done[0].latency, 60ms);
  ping(2);
  ASSERT_EQ(pair.a.pings_done.size(), 2u);
  EXPECT_EQ(pair.a.pings_done[1].id, PingId{2});
  EXPECT_EQ(pair.a.pings_done[1].via, PathAddress::direct(*Endpoint::parse("198.51.100.2:41641")));
  EXPECT_EQ(pair.a.pings_done[1].latency, 40ms);
}

TEST(CliPing, EndsAfterFiveSecondsWithoutAnAnswer) {
  TwoNodes pair;
  pair.b.deaf = true;
  pair.a.engine->cli_ping(pair.b.id, PingId{1}, 0, pair.net.now(), pair.a.fx);
  pair.a.carry_out();
  pair.net.advance(kPingTimeout - 1ms);
  EXPECT_TRUE(pair.a.pings_done.empty());
  pair.net.advance(1ms);
  ASSERT_EQ(pair.a.pings_done.size(), 1u);
  EXPECT_FALSE(pair.a.pings_done[0].via);
}

TEST(CliPing, IsPaddedToTheSizeAskedFor) {
  OneEngine it;
  it.engine.cli_ping(kPeer, PingId{1}, 1200, it.now, it.fx);
  ASSERT_FALSE(it.fx.sends.empty());
  EXPECT_EQ(it.fx.sends[0].datagram.size(), 1200u);
}

TEST(CliPing, ToNobodyEndsAtOnce) {
  OneEngine it;
  it.engine.cli_ping(PeerId{99}, PingId{1}, 0, it.now, it.fx);
  ASSERT_EQ(it.fx.pings_done.size(), 1u);
  EXPECT_FALSE(it.fx.pings_done[0].via);
}

}  // namespace
}  // namespace aya::path
