// The deadlines of dataplane 1.5, one sentence each.
#include <gtest/gtest.h>

#include "proto/wireguard/constants.h"
#include "tests/support/tunnel_pair.h"

namespace aya::tunnel {
namespace {

using test::Link;
using test::TunnelPair;
using namespace wireguard;

// Counts what an end sends.
struct Wire {
  explicit Wire(TunnelPair& net) {
    net.on_wire = [this, &net](const TunnelPair::End& from, Bytes datagram) {
      auto& count = &from == &net.a ? a : b;
      switch (*message_type(datagram)) {
        case MessageType::Initiation:
          ++count.initiations;
          break;
        case MessageType::Response:
          ++count.responses;
          break;
        case MessageType::CookieReply:
          ++count.cookies;
          break;
        case MessageType::Transport:
          ++(datagram.size() == kMinTransportSize ? count.keepalives : count.data);
      }
      return true;
    };
  }
  struct Count {
    int initiations = 0, responses = 0, cookies = 0, keepalives = 0, data = 0;
  } a, b;
};

TEST(TunnelTimers, DoesNothingUntilThereIsSomethingToSend) {
  TunnelPair net;
  EXPECT_EQ(net.a.tunnel.next_deadline(), std::nullopt);
}

TEST(TunnelTimers, RetriesTheHandshakeEveryFiveSecondsWithJitter) {
  TunnelPair net({.dead = true});
  Wire wire(net);
  net.send(net.a, 1);
  EXPECT_EQ(wire.a.initiations, 1);
  net.advance(kRekeyTimeout - 1ms);
  EXPECT_EQ(wire.a.initiations, 1);
  net.advance(kMaxJitter + 1ms);
  EXPECT_EQ(wire.a.initiations, 2);
}

TEST(TunnelTimers, DropsStagedPacketsNinetySecondsAfterTheFirstInitiation) {
  TunnelPair net({.dead = true});
  net.send(net.a, 1);
  net.advance(89s);
  EXPECT_EQ(net.a.stats().staged, 1u);
  net.advance(1s + kMaxJitter + kRekeyTimeout);
  EXPECT_EQ(net.a.stats().staged, 0u);
  EXPECT_EQ(net.a.tunnel.counters()[Drop::GaveUp], 1u);
}

TEST(TunnelTimers, StopsInitiatingWhenItHasGivenUp) {
  TunnelPair net({.dead = true});
  Wire wire(net);
  net.send(net.a, 1);
  net.advance(100s);
  const int before = wire.a.initiations;
  EXPECT_GE(before, 17);
  EXPECT_LE(before, 19);
  net.advance(1h);
  EXPECT_EQ(wire.a.initiations, before);
  EXPECT_EQ(net.a.tunnel.next_deadline(), std::nullopt);
}

TEST(TunnelTimers, KeepsTryingAsLongAsTheHostKeepsSending) {
  TunnelPair net({.dead = true});
  for (int i = 0; i < 300; ++i, net.advance(1s)) net.send(net.a, 1);
  EXPECT_GT(net.a.stats().staged, 0u);
  net.link.dead = false;
  net.advance(6s);
  EXPECT_EQ(net.b.received.size(), 128u);  // the newest
}

TEST(TunnelTimers, NeverInitiatesTwiceWithinFiveSeconds) {
  TunnelPair net({.dead = true});
  Wire wire(net);
  for (int i = 0; i < 49; ++i, net.advance(100ms)) net.send(net.a, 1);
  EXPECT_EQ(wire.a.initiations, 1);
}

TEST(TunnelTimers, ShakesHandsAtOnceWithAPeerThatRestarted) {
  TunnelPair net;
  net.send(net.a, 1);
  net.advance(1s);
  Wire wire(net);
  net.peer_restarted(net.b);
  net.advance(100ms);
  EXPECT_EQ(wire.b.initiations, 1);
  EXPECT_EQ(wire.b.keepalives, 1);  // which confirms the session
  net.send(net.a, 2);
  net.advance(100ms);
  EXPECT_TRUE(net.b.received.contains(2));
  EXPECT_EQ(wire.a.initiations, 0);
}

TEST(TunnelTimers, HurriesToReachAPeerThatRestartedAndThenTakesItsTime) {
  TunnelPair net;
  net.send(net.a, 1);
  net.advance(1s);
  net.link.dead = true;
  Wire wire(net);
  net.peer_restarted(net.a);
  net.send(net.a, 2);
  for (const auto& [after, initiations] :
       {std::pair{499ms, 1}, {1ms, 2}, {999ms, 2}, {1ms, 3}, {1999ms, 3}, {1ms, 4}, {4999ms, 4}}) {
    net.advance(after);
    EXPECT_EQ(wire.a.initiations, initiations);
  }
  net.link.dead = false;
  net.advance(kMaxJitter + 100ms);
  EXPECT_TRUE(net.b.received.contains(2));
}

TEST(TunnelTimers, LeavesAPeerAloneThatRestartedAndThatNobodyTalksTo) {
  TunnelPair net;
  net.peer_restarted(net.a);
  EXPECT_EQ(net.a.tunnel.next_deadline(), std::nullopt);
}

TEST(TunnelTimers, DoesNotWaitForTheAnswerOfAPeerThatHasRestartedSince) {
  TunnelPair net({.dead = true});
  net.send(net.a, 1);
  net.advance(1s);
  net.link.dead = false;
  net.peer_restarted(net.a);
  net.advance(100ms);
  EXPECT_TRUE(net.b.received.contains(1));
}

TEST(TunnelTimers, AnswersDataWithAKeepaliveTenSecondsLater) {
  TunnelPair net;
  net.send(net.a, 1);
  net.advance(30s);
  Wire wire(net);
  net.send(net.a, 2);
  net.advance(kKeepaliveTimeout);
  EXPECT_EQ(wire.b.keepalives, 0);
  net.advance(50ms);
  EXPECT_EQ(wire.b.keepalives, 1);
}

TEST(TunnelTimers, TwoIdlePeersDoNotKeepEachOtherAwake) {
  TunnelPair net;
  net.send(net.a, 1);
  net.advance(30s);
  Wire wire(net);
  net.advance(480s);
  EXPECT_EQ(wire.a.keepalives + wire.b.keepalives + wire.a.initiations + wire.b.initiations, 0);
}

TEST(TunnelTimers, SaysNothingWhereDataGoesBackAnyway) {
  TunnelPair net;
  net.send(net.a, 1);
  net.advance(1s);
  Wire wire(net);
  for (std::uint32_t i = 0; i < 20; ++i, net.advance(2s)) {
    net.send(net.a, i);
    net.send(net.b, i);
  }
  EXPECT_EQ(wire.a.keepalives + wire.b.keepalives, 0);
}

TEST(TunnelTimers, StartsAnewFifteenSecondsAfterUnansweredData) {
  TunnelPair net;
  net.send(net.a, 1);
  net.advance(30s);
  net.link.dead = true;
  Wire wire(net);
  net.send(net.a, 2);
  net.advance(kNewHandshakeTimeout - 1ms);
  EXPECT_EQ(wire.a.initiations, 0);
  net.advance(kMaxJitter + 2ms);
  EXPECT_EQ(wire.a.initiations, 1);
}

TEST(TunnelTimers, TheInitiatorRenewsWhenItSendsAfterTwoMinutes) {
  TunnelPair net;
  net.send(net.a, 1);
  net.advance(1s);
  Wire wire(net);
  net.advance(kRekeyAfterTime - 2s);
  net.send(net.a, 2);
  EXPECT_EQ(wire.a.initiations, 0);
  net.advance(3s);
  net.send(net.b, 3);  // the responder leaves it to the initiator
  net.send(net.a, 4);
  EXPECT_EQ(wire.a.initiations, 1);
  EXPECT_EQ(wire.b.initiations, 0);
  net.advance(1s);
  EXPECT_EQ(net.a.handshakes, 2u);
  EXPECT_EQ(net.b.handshakes, 2u);
}

TEST(TunnelTimers, TheInitiatorRenewsForAOneWayStreamTowardsIt) {
  TunnelPair net;
  net.send(net.a, 0);
  net.advance(1s);
  Wire wire(net);
  std::uint32_t sent = 0;
  for (; sent < 400; net.advance(1s)) net.send(net.b, ++sent);
  EXPECT_EQ(net.b.tunnel.counters()[Drop::StagingFull], 0u);
  EXPECT_EQ(net.a.received.size(), sent);
  EXPECT_GE(wire.a.initiations, 2);
  EXPECT_EQ(wire.b.initiations, 0);
}

TEST(TunnelTimers, WipesKeysNineMinutesAfterTheLastSession) {
  TunnelPair net;
  net.send(net.a, 1);
  net.advance(kWipeAfter - 1s);
  EXPECT_TRUE(net.a.stats().has_session);
  net.advance(2s);
  EXPECT_EQ(net.a.stats().sessions, 0u);
  EXPECT_EQ(net.b.stats().sessions, 0u);
  EXPECT_EQ(net.a.tunnel.next_deadline(), std::nullopt);
  net.send(net.a, 2);
  net.advance(1s);
  EXPECT_TRUE(net.b.received.contains(2));
}

TEST(TunnelTimers, PersistentKeepalivesBeginAtOnceAndYieldToTraffic) {
  TunnelPair net;
  Wire wire(net);
  auto config = *net.a.tunnel.config(TunnelPair::kPeer);
  config.keepalive_interval = 25s;
  net.a.tunnel.upsert_peer(TunnelPair::kPeer, config);
  net.advance(1s);
  EXPECT_EQ(net.a.handshakes, 1u);
  EXPECT_EQ(wire.a.keepalives, 1);
  net.advance(75s);
  EXPECT_EQ(wire.a.keepalives, 4);
  // Ends before the session is renewed, which brings a keepalive of its own.
  for (std::uint32_t i = 0; i < 8; ++i, net.advance(5s)) net.send(net.a, i);
  EXPECT_EQ(wire.a.keepalives, 4);
}

TEST(TunnelTimers, PersistentKeepalivesGoOnForDays) {
  TunnelPair net({.loss = 0.05});
  auto config = *net.a.tunnel.config(TunnelPair::kPeer);
  config.keepalive_interval = 25s;
  net.a.tunnel.upsert_peer(TunnelPair::kPeer, config);
  net.advance(48h);
  const std::uint64_t before = net.b.tunnel.counters().keepalives_taken;
  EXPECT_GT(before, 48u * 3600 / 25 * 8 / 10);
  net.advance(60s);
  EXPECT_GT(net.b.tunnel.counters().keepalives_taken, before);
}

}  // namespace
}  // namespace aya::tunnel
