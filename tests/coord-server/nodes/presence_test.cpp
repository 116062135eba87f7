#include "coord-server/nodes/presence.h"

#include <gtest/gtest.h>

namespace aya::nodes {
namespace {

struct PresenceTest : testing::Test {
  Presence presence;
  TimePoint now{};
  const NodeId node{7};

  Presence::Effects advance(Duration by) {
    now += by;
    Presence::Effects effects;
    presence.advance(now, effects);
    return effects;
  }
};

TEST_F(PresenceTest, SaysOfflineTenSecondsAfterTheLastStream) {
  EXPECT_TRUE(presence.opened(node));
  presence.closed(node, false, now);
  EXPECT_TRUE(advance(9s).offline.empty());
  EXPECT_TRUE(presence.is_online(node));
  EXPECT_EQ(advance(1s).offline, std::vector{node});
  EXPECT_FALSE(presence.is_online(node));
  EXPECT_EQ(presence.next_deadline(), std::nullopt);
}

TEST_F(PresenceTest, TakesOneThatDoesNotAnswerForGoneAtOnceUntilItAnswers) {
  presence.opened(node);
  presence.stalled(node, now);
  const auto gone = advance(0s);
  EXPECT_EQ(gone.away, std::vector{node});
  EXPECT_EQ(gone.offline, std::vector{node});
  presence.stalled(node, now);
  EXPECT_TRUE(advance(1s).offline.empty()) << "once";
  EXPECT_TRUE(presence.answered(node));
  EXPECT_TRUE(presence.is_online(node));
  EXPECT_FALSE(presence.answered(node));
  // A new stream is as good as an answer.
  presence.stalled(node, now);
  advance(0s);
  EXPECT_TRUE(presence.opened(node));
  EXPECT_FALSE(presence.answered(node));
}

TEST_F(PresenceTest, SaysAwayAfterOneSecond) {
  presence.opened(node);
  presence.closed(node, false, now);
  EXPECT_TRUE(advance(900ms).away.empty());
  EXPECT_EQ(advance(100ms).away, std::vector{node});
  EXPECT_TRUE(advance(1s).away.empty()) << "once";
  presence.opened(node);
  presence.closed(node, false, now);
  advance(900ms);
  presence.opened(node);
  EXPECT_TRUE(advance(20s).away.empty());
}

TEST_F(PresenceTest, GivesThoseOfBeforeARestartTenSecondsToComeBack) {
  presence.expect_back(node, now);
  presence.expect_back(NodeId{8}, now);
  EXPECT_TRUE(advance(9s).away.empty());
  presence.opened(node);
  EXPECT_EQ(advance(1s).away, std::vector{NodeId{8}});
  EXPECT_EQ(presence.next_deadline(), std::nullopt);
}

TEST_F(PresenceTest, HidesAReconnectWithinTheGrace) {
  presence.opened(node);
  presence.closed(node, false, now);
  advance(5s);
  EXPECT_FALSE(presence.opened(node)) << "others never thought it was gone";
  EXPECT_TRUE(advance(20s).offline.empty());
}

TEST_F(PresenceTest, CountsStreamsSoThatALateCleanupStrandsNobody) {
  presence.opened(node);
  presence.opened(node);  // the new poll, before the old one is noticed to be dead
  presence.closed(node, false, now);
  EXPECT_TRUE(advance(60s).offline.empty());
  EXPECT_TRUE(presence.is_online(node));
}

TEST_F(PresenceTest, ForgetsAnEphemeralNodeThatStaysAway) {
  presence.opened(node);
  presence.closed(node, true, now);
  EXPECT_EQ(advance(10s).offline.size(), 1u);
  EXPECT_TRUE(advance(29min).forgotten.empty());
  EXPECT_EQ(advance(1min).forgotten, std::vector{node});
}

TEST_F(PresenceTest, KeepsAnEphemeralNodeThatComesBack) {
  presence.expect_ephemeral(node, now);
  advance(29min);
  presence.opened(node);
  EXPECT_TRUE(advance(2h).forgotten.empty());
}

TEST_F(PresenceTest, TakesTheEndOfADeletedNodesStreamCalmly) {
  presence.opened(node);
  presence.forget(node);
  presence.closed(node, false, now);
  EXPECT_TRUE(advance(1h).offline.empty());
}

}  // namespace
}  // namespace aya::nodes
