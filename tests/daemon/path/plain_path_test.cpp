// Peers that speak plain WireGuard: which endpoint is taken, in virtual time.
#include "daemon/path/plain_path.h"

#include "tests/daemon/path/path_node.h"

namespace aya::path {
namespace {

const Endpoint kNear = *Endpoint::parse("192.0.2.1:51820");
const Endpoint kFar = *Endpoint::parse("198.51.100.1:51820");
const Endpoint kSix = *Endpoint::parse("[2001:db8::1]:51820");
const Endpoint kElsewhere = *Endpoint::parse("203.0.113.9:4000");

struct PlainPathTest : testing::Test {
  // Sends; where to, and whom it asked how far it is.
  std::optional<Endpoint> say() {
    asked.clear();
    path.note_traffic(now, rng, asked);
    return path.at();
  }
  void answer(const Endpoint& by, Duration latency) { path.on_echo(by.address, latency); }

  PlainPath path;
  test::SeededRng rng;
  TimePoint now{1h};
  std::vector<IpAddress> asked;
};

TEST_F(PlainPathTest, OneEndpointIsTakenAndNeverAskedAfter) {
  EXPECT_EQ(say(), std::nullopt);
  path.set_endpoints({kNear});
  for (int i = 0; i < 100; ++i, now += 1s) {
    EXPECT_EQ(say(), kNear);
    EXPECT_TRUE(asked.empty());
  }
}

TEST_F(PlainPathTest, WithoutAnswersEachIsTriedForASecond) {
  path.set_endpoints({kNear, kFar});
  std::set<Endpoint> tried;
  for (int i = 0; i < 40; ++i) {
    const auto chosen = say();
    tried.insert(*chosen);
    now += kPlainChoiceFor;
    EXPECT_EQ(say(), chosen) << "within its second";
    now += 1ms;
  }
  EXPECT_EQ(tried, (std::set{kNear, kFar}));
}

TEST_F(PlainPathTest, TheNearestIsTakenOnceLatencyIsKnown) {
  path.set_endpoints({kFar, kNear, kSix});
  say();
  EXPECT_EQ(asked.size(), 3u);
  answer(kFar, 80ms);
  answer(kNear, 10ms);
  now += kPlainChoiceFor + 1ms;
  EXPECT_EQ(say(), kNear);
  EXPECT_EQ(path.latency(), 10ms);
  answer(kSix, 10ms);  // a tie
  now += kPlainChoiceFor + 1ms;
  EXPECT_EQ(say(), kSix);
}

TEST_F(PlainPathTest, AsksAtMostOnceInTenSecondsAndOnlyWhileThereIsTraffic) {
  path.set_endpoints({kNear, kFar});
  int rounds = 0;
  for (int i = 0; i < 61; ++i, now += 1s + 1ms) {
    say();
    rounds += asked.empty() ? 0 : 1;
  }
  EXPECT_EQ(rounds, 7);
}

TEST_F(PlainPathTest, OneThatNoLongerAnswersIsNoLongerPreferred) {
  path.set_endpoints({kNear, kFar});
  say();
  answer(kNear, 10ms);
  answer(kFar, 80ms);
  now += kPlainEchoInterval;
  say();
  answer(kFar, 80ms);  // alone
  now += kPlainEchoInterval;
  say();
  answer(kFar, 80ms);
  now += kPlainChoiceFor + 1ms;
  EXPECT_EQ(say(), kFar);
}

TEST_F(PlainPathTest, WhereItSpeaksFromIsThePathForFiveSeconds) {
  path.set_endpoints({kNear});
  path.on_heard(kElsewhere, now);
  EXPECT_EQ(say(), kElsewhere);
  now += kPlainHeardFor;
  EXPECT_EQ(say(), kElsewhere);
  now += 1ms;
  EXPECT_EQ(say(), kNear) << "silent since: it may be back where it is said to be";
}

TEST_F(PlainPathTest, WithoutEndpointsItIsAnsweredWhereItSpokeFromLast) {
  path.on_heard(kElsewhere, now);
  now += 1h;
  EXPECT_EQ(say(), kElsewhere);
}

TEST_F(PlainPathTest, AnEndpointThatIsTakenBackIsLeftAtOnce) {
  path.set_endpoints({kNear});
  path.on_heard(kNear, now);
  path.set_endpoints({kFar});
  EXPECT_EQ(say(), kFar);
}

TEST_F(PlainPathTest, WhatCannotBeAnEndpointIsPassedOver) {
  path.set_endpoints({*Endpoint::parse("100.64.0.9:51820"), *Endpoint::parse("0.0.0.0:1"), kFar});
  EXPECT_EQ(say(), kFar);
  EXPECT_TRUE(asked.empty());
}

TEST(PlainPeer, GoesByNoRelayAndIsAskedNothingByDisco) {
  TestInternet net;
  PathNode node(net, 1, "198.51.100.11", std::nullopt);
  const PeerId router{7};
  PeerPath facts;
  facts.node_key = NodePrivateKey::generate(node.rng).public_key();
  facts.endpoints = {kNear, kFar};
  Effects fx;
  node.engine->upsert_peer(router, facts, net.now(), fx);
  node.engine->note_traffic(router, net.now(), fx);
  EXPECT_TRUE(fx.sends.empty());
  EXPECT_EQ(fx.echoes.size(), 2u);
  const Route first = node.engine->route(router, net.now());
  EXPECT_FALSE(first.primary.is_relay());
  EXPECT_FALSE(first.also);
  node.engine->on_echo(kFar.address, 5ms, net.now(), fx);
  net.advance(2s);
  node.engine->note_traffic(router, net.now(), fx);
  EXPECT_EQ(node.engine->route(router, net.now()).primary, PathAddress::direct(kFar));
  EXPECT_FALSE(node.engine->status(router, net.now())->trusted) << "nothing came from there yet";

  node.engine->on_wireguard_heard(router, PathAddress::direct(kElsewhere), net.now(), fx);
  EXPECT_EQ(node.engine->route(router, net.now()).primary, PathAddress::direct(kElsewhere));
  EXPECT_TRUE(node.engine->status(router, net.now())->trusted);
  EXPECT_EQ(fx.changes.back().to, PathAddress::direct(kElsewhere));
  EXPECT_TRUE(fx.sends.empty());
}

TEST(PlainPeer, IsAskedNothingByDiscoWhateverHappensWhileItIsInUse) {
  TestInternet net;
  PathNode node(net, 1, "198.51.100.11", std::nullopt);
  const PeerId router{7};
  PeerPath facts;
  facts.node_key = NodePrivateKey::generate(node.rng).public_key();
  facts.endpoints = {kNear};
  Effects fx;
  node.engine->upsert_peer(router, facts, net.now(), fx);
  node.engine->note_traffic(router, net.now(), fx);
  node.engine->on_wireguard_heard(router, PathAddress::direct(kNear), net.now(), fx);

  facts.endpoints = {kFar};  // it was moved
  node.engine->upsert_peer(router, facts, net.now(), fx);
  EXPECT_EQ(node.engine->route(router, net.now()).primary, PathAddress::direct(kFar));
  node.engine->on_unreachable(router, kFar, net.now(), fx);
  node.engine->link_changed(net.now(), fx);
  node.engine->set_own_endpoints(node.own, net.now(), fx);
  node.engine->cli_ping(router, PingId{3}, 0, net.now(), fx);
  net.advance(1min);
  node.engine->advance(net.now(), fx);
  EXPECT_TRUE(fx.sends.empty());
  EXPECT_EQ(fx.pings_done.size(), 1u);
}

}  // namespace
}  // namespace aya::path
