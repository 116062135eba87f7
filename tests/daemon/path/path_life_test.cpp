// What becomes of a direct path: kept while used, given up when dead, found again.
#include "tests/daemon/path/path_node.h"

namespace aya::path {
namespace {

using test::NatKind;

TEST(PathLife, DeadPathFallsBackToTheRelayAndComesBackWhenMended) {
  TwoNodes pair;
  pair.talk(2s);
  ASSERT_TRUE(pair.a.is_direct(pair.b));
  pair.net.cut(pair.a.host, pair.b.host);
  const auto said_before = pair.a.said;
  pair.talk(10s);
  EXPECT_FALSE(pair.a.is_direct(pair.b));
  EXPECT_FALSE(pair.b.is_direct(pair.a));
  // 3 s to the next heartbeat and two late pongs; far less than the 6.5 s of trust.
  const auto lost = pair.a.said - said_before - (pair.b.heard[pair.a.id].size() - said_before);
  EXPECT_LE(lost, 200u);
  EXPECT_EQ(
      pair.a.engine->route(pair.b.id, pair.net.now()).primary,
      PathAddress::relayed(PathNode::kRegion));
  pair.net.advance(100ms);
  const auto heard = pair.b.heard[pair.a.id].size();
  const auto said = pair.a.said;
  pair.talk(5s);
  pair.net.advance(100ms);
  EXPECT_EQ(pair.b.heard[pair.a.id].size() - heard, pair.a.said - said) << "relayed without loss";

  pair.net.mend(pair.a.host, pair.b.host);
  pair.talk(90s, 100ms);
  EXPECT_TRUE(pair.a.is_direct(pair.b));
  EXPECT_TRUE(pair.b.is_direct(pair.a));
}

TEST(PathLife, DoubtedPathIsUsedTogetherWithTheRelay) {
  TwoNodes pair;
  pair.talk(1s);
  pair.net.cut(pair.a.host, pair.b.host);
  pair.talk(5s);
  const Route route = pair.a.engine->route(pair.b.id, pair.net.now());
  EXPECT_FALSE(route.primary.is_relay());
  EXPECT_EQ(route.also, PathAddress::relayed(PathNode::kRegion));
}

TEST(PathLife, TrustEndsSixAndAHalfSecondsAfterTheLastPong) {
  TwoNodes pair;
  pair.a.say(pair.b);
  pair.net.advance(1s);
  const TimePoint direct = pair.a.direct_at.at(pair.b.id);
  Effects none;
  // Asked for a later time without having run: only the last pong counts.
  EXPECT_FALSE(pair.a.engine->route(pair.b.id, direct + kTrustDirectFor - 1ms).also);
  EXPECT_TRUE(pair.a.engine->route(pair.b.id, direct + kTrustDirectFor + 1s).also);
}

TEST(PathLife, SurvivesARouterThatRestarts) {
  TwoNodes pair;
  pair.talk(2s);
  pair.net.restart_nat(*pair.nat_a, IpAddress::parse("198.51.100.77"));
  pair.talk(15s);
  EXPECT_TRUE(pair.a.is_direct(pair.b));
  EXPECT_TRUE(pair.b.is_direct(pair.a));
  EXPECT_EQ(pair.b.direct_endpoint(pair.a).address, *IpAddress::parse("198.51.100.77"));
  // What A says goes by its new mapping, which B's filter knows only after B's own ping.
  EXPECT_GE(pair.b.heard[pair.a.id].size() + 250, pair.a.said);
}

TEST(PathLife, LivesForTenMinutesOnRoutersThatForgetAfterThirtySeconds) {
  TwoNodes pair;
  pair.talk(10min, 1s);
  EXPECT_TRUE(pair.a.is_direct(pair.b));
  EXPECT_LE(pair.a.relayed, 2u);
  pair.expect_nothing_lost();
}

TEST(PathLife, ActivePathIsPingedEveryThreeSeconds) {
  TwoNodes pair(std::nullopt, std::nullopt);
  pair.talk(10s, 1s);
  const auto before = pair.a.disco_sent + pair.b.disco_sent;
  pair.talk(30s, 1s);
  // Each side: ten pings and ten pongs.
  EXPECT_NEAR(static_cast<double>(pair.a.disco_sent + pair.b.disco_sent - before), 40, 4);
}

TEST(PathLife, IdlePairIsSilent) {
  TwoNodes pair;
  pair.talk(2s);
  pair.net.advance(kSessionActiveFor + kHeartbeat + kPingTimeout);
  const auto before = pair.net.datagrams_sent();
  pair.net.advance(1h);
  EXPECT_EQ(pair.net.datagrams_sent(), before);
  EXPECT_FALSE(pair.a.engine->next_deadline());
  EXPECT_FALSE(pair.a.engine->any_active(pair.net.now()));
}

TEST(PathLife, ReturnFromIdleLosesNothing) {
  TwoNodes pair;
  pair.talk(2s);
  pair.net.advance(10min);
  pair.talk(3s);
  EXPECT_TRUE(pair.a.is_direct(pair.b));
  pair.expect_nothing_lost();
}

TEST(PathLife, LinkChangeStartsAfresh) {
  TwoNodes pair;
  pair.talk(2s);
  const auto nat_c =
      pair.net.add_nat(*IpAddress::parse("198.51.100.9"), NatKind::port_restricted());
  pair.net.move_host(pair.a.host, *IpAddress::parse("10.1.1.5"), nat_c);
  pair.a.engine->link_changed(pair.net.now(), pair.a.fx);
  EXPECT_TRUE(pair.a.fx.wants_restun);
  pair.a.carry_out();
  EXPECT_FALSE(pair.a.is_direct(pair.b));
  const TimePoint moved = pair.net.now();
  pair.a.direct_at.clear();
  pair.talk(3s);
  ASSERT_TRUE(pair.a.is_direct(pair.b));
  EXPECT_LE(pair.a.direct_at[pair.b.id] - moved, 1200ms);
  EXPECT_EQ(pair.b.direct_endpoint(pair.a).address, *IpAddress::parse("198.51.100.9"));
}

TEST(PathLife, UnreachablePathIsGivenUpAtOnce) {
  TwoNodes pair;
  pair.talk(1s);
  pair.a.engine->on_unreachable(
      pair.b.id, pair.a.direct_endpoint(pair.b), pair.net.now(), pair.a.fx);
  EXPECT_EQ(
      pair.a.engine->route(pair.b.id, pair.net.now()).primary,
      PathAddress::relayed(PathNode::kRegion));
}

// The peer starts anew: control has not said so yet, but the tunnel brings its new key.
TEST(PathLife, AnnouncedDiscoKeyIsTakenUntilControlSaysOtherwise) {
  TwoNodes pair;
  pair.talk(1s);
  const DiscoPublicKey old_key = pair.b.engine->disco_key();
  pair.b.disco = DiscoPrivateKey::generate(pair.b.rng);
  pair.b.engine = std::make_unique<PathEngine>(
      pair.b.disco, pair.b.node_key, pair.b.rng, PathEngine::Options{});
  pair.b.engine->set_own_endpoints(pair.b.own, pair.net.now(), pair.b.fx);
  pair.b.armed.reset();
  pair.b.meet(pair.a);
  PeerPath stale = pair.a.facts_of(pair.b);
  stale.disco_key = old_key;
  pair.a.engine->on_announced_disco_key(
      pair.b.id, pair.b.engine->disco_key(), pair.net.now(), pair.a.fx);
  pair.a.engine->upsert_peer(pair.b.id, stale, pair.net.now(), pair.a.fx);  // an old map comes late
  pair.a.carry_out();
  pair.talk(2s);
  EXPECT_TRUE(pair.a.is_direct(pair.b));
  EXPECT_TRUE(pair.b.is_direct(pair.a));
  EXPECT_EQ(pair.a.engine->drops().unknown_sender, 0u);
}

// It may have restarted: what the old process's router knew counts no more until a pong says so.
TEST(PathLife, NewDiscoKeyMakesThePathDoubtful) {
  TwoNodes pair;
  pair.talk(1s);
  PeerPath facts = pair.a.facts_of(pair.b);
  facts.disco_key = DiscoPrivateKey::generate(pair.a.rng).public_key();  // nobody answers to it
  const Route before = pair.a.engine->route(pair.b.id, pair.net.now());
  EXPECT_FALSE(before.also.has_value());
  pair.a.engine->upsert_peer(pair.b.id, facts, pair.net.now(), pair.a.fx);
  const Route doubted = pair.a.engine->route(pair.b.id, pair.net.now());
  EXPECT_EQ(doubted.primary, before.primary);
  EXPECT_EQ(doubted.also, PathAddress::relayed(PathNode::kRegion));
  pair.a.carry_out();
  pair.talk(10s);
  EXPECT_FALSE(pair.a.is_direct(pair.b));
}

TEST(PathLife, BetterPathTakesOverOnlyWhenItIsBetterTwice) {
  // The same network appears only later: first direct by the routers, then by the LAN.
  TestInternet net;
  const auto router = net.add_nat(
      *IpAddress::parse("198.51.100.1"),
      NatKind{.filtering = NatKind::Filtering::EndpointIndependent, .hairpins = true});
  PathNode a(net, 1, "192.168.1.2", router), b(net, 2, "192.168.1.3", router);
  PeerPath public_only = a.facts_of(b);
  public_only.endpoints = {b.own.front()};
  a.engine->upsert_peer(b.id, public_only, net.now(), a.fx);
  PeerPath reverse = b.facts_of(a);
  reverse.endpoints = {a.own.front()};
  reverse.home_region = 0;  // or a CallMeMaybe would tell of the LAN
  b.engine->upsert_peer(a.id, reverse, net.now(), b.fx);
  a.engine->set_own_endpoints({a.own.front()}, net.now(), a.fx);
  b.engine->set_own_endpoints({b.own.front()}, net.now(), b.fx);
  a.say(b);
  net.advance(1s);
  ASSERT_EQ(a.direct_endpoint(b), b.own.front());
  a.engine->upsert_peer(b.id, a.facts_of(b), net.now(), a.fx);
  a.carry_out();
  for (int i = 0; i < 70; ++i) {
    a.say(b);
    net.advance(1s);
  }
  EXPECT_EQ(a.direct_endpoint(b), *Endpoint::parse("192.168.1.3:41641"));
}

TEST(PathLife, SilentModeKeepsTheTwoWayPathWithoutHeartbeats) {
  TwoNodes pair(NatKind::port_restricted(), NatKind::port_restricted(), {.silent = true});
  pair.talk(2s);
  ASSERT_TRUE(pair.a.is_direct(pair.b));
  pair.net.advance(0s);
  const auto before = pair.a.disco_sent;
  pair.talk(30s, 100ms);
  EXPECT_TRUE(pair.a.is_direct(pair.b));
  EXPECT_EQ(pair.a.disco_sent, before);
}

TEST(PathLife, FailingRoundsPauseSoThatBadMappingsExpire) {
  TwoNodes pair;
  pair.net.cut(pair.a.host, pair.b.host);
  pair.talk(40s, 500ms, false);
  const auto before = pair.a.disco_sent;
  pair.talk(30s, 500ms, false);
  EXPECT_EQ(pair.a.disco_sent, before);
  pair.net.mend(pair.a.host, pair.b.host);
  pair.talk(70s, 500ms);
  EXPECT_TRUE(pair.a.is_direct(pair.b));
}

TEST(PathLife, HomeRegionOfThePeerMovesAtOnce) {
  TwoNodes pair;
  pair.net.cut(pair.a.host, pair.b.host);
  PeerPath facts = pair.a.facts_of(pair.b);
  facts.home_region = 7;
  pair.a.engine->upsert_peer(pair.b.id, facts, pair.net.now(), pair.a.fx);
  ASSERT_EQ(pair.a.fx.changes.size(), 1u);
  EXPECT_EQ(pair.a.fx.changes[0].to, PathAddress::relayed(7));
  EXPECT_EQ(pair.a.engine->route(pair.b.id, pair.net.now()).primary, PathAddress::relayed(7));
  // Heard through another relay while its home does not know it: answer there.
  pair.a.engine->on_wireguard_heard(pair.b.id, PathAddress::relayed(3), pair.net.now(), pair.a.fx);
  pair.a.engine->on_peer_gone(pair.b.node_key, 7);
  EXPECT_EQ(pair.a.engine->route(pair.b.id, pair.net.now()).primary, PathAddress::relayed(3));
}

TEST(PathLife, PeerWithoutDiscoIsAnsweredWhereItSpeaks) {
  TestInternet net;
  PathNode a(net, 1, "198.51.100.11", std::nullopt);
  const Endpoint first = *Endpoint::parse("198.51.100.50:51820");
  const Endpoint roamed = *Endpoint::parse("198.51.100.51:51820");
  a.engine->upsert_peer(PeerId{9}, {a.node_key, {}, {first}, 0, 0}, net.now(), a.fx);
  EXPECT_EQ(a.engine->route(PeerId{9}, net.now()).primary, PathAddress::direct(first));
  a.engine->on_wireguard_heard(PeerId{9}, PathAddress::direct(roamed), net.now(), a.fx);
  EXPECT_EQ(a.engine->route(PeerId{9}, net.now()).primary, PathAddress::direct(roamed));
  EXPECT_TRUE(a.fx.sends.empty());
}

}  // namespace
}  // namespace aya::path
