// Exit nodes that live and die, in virtual time.
#include "daemon/exit_node/chooser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace aya::exit_node {
namespace {

using testing::Contains;
using testing::Each;
using testing::IsEmpty;
using testing::Not;

// Nodes that answer pings after their latency while they live, and a host that sends or not.
class ExitNodes : public testing::Test {
 protected:
  struct Node {
    bool alive = true;
    Duration latency = 20ms;
  };

  ExitNodes() {
    for (const char* id : {"a", "b", "c"}) add(id);
  }

  Candidate& add(const std::string& id) {
    nodes[id];
    Candidate& out = candidates.emplace_back();
    out.id = id;
    out.online = true;
    out.home = 1;
    return out;
  }
  Candidate& candidate(const std::string& id) {
    return *std::ranges::find(candidates, id, &Candidate::id);
  }

  void want(Wish::Kind kind, const std::string& id = "") {
    wish = {kind, id};
    map_changed();
  }
  void map_changed() {
    chooser.set(wish, candidates, {{1, 20ms}, {2, 90ms}}, now, fx);
    carry_out();
  }

  // Lets time pass in small steps, with the host sending every 50 ms if it does.
  void pass(Duration time) {
    const TimePoint end = now + time;
    while (now < end) {
      now += 10ms;
      if (sending && (now.time_since_epoch() % 50ms) == 0ms) send();
      deliver();
      const bool due = chooser.next_deadline() && *chooser.next_deadline() <= now;
      const bool look = chooser.is_quiet() && look_at && *look_at <= now;
      if (!due && !look) continue;
      look_at.reset();
      ++steps;
      chooser.advance(traffic(), now, fx);
      carry_out();
    }
  }
  std::string in_use() const { return chooser.in_use().value_or("(direct)"); }

  // How long until another node is in use.
  Duration until_left(const std::string& id, Duration limit = 10s) {
    const TimePoint began = now;
    while (in_use() == id && now - began < limit) pass(10ms);
    return now - began;
  }

  Chooser chooser;
  Effects fx;
  Wish wish;
  std::vector<Candidate> candidates;
  std::map<std::string, Node> nodes;
  TimePoint now = TimePoint(1h);
  bool sending = false;
  bool host_answers = true;   // what is sent out of the exit node comes back
  bool network_gone = false;  // ours
  std::vector<std::string> asked;
  int changes = 0, steps = 0;

 private:
  Traffic traffic() { return traffics[in_use()]; }

  void send() {
    const std::string to = in_use();
    traffics[to].last_sent = now;
    if (chooser.is_quiet() && !look_at) look_at = now + kLook;
    const auto node = nodes.find(to);
    if (node != nodes.end() && host_answers) {
      if (node->second.alive && !network_gone)
        coming.push_back({now + node->second.latency, to, false, {}});
    }
  }
  void carry_out() {
    for (const std::string& id : fx.ask) {
      asked.push_back(id);
      if (nodes[id].alive && !network_gone) {
        coming.push_back({now + nodes[id].latency, id, true, nodes[id].latency});
      }
    }
    if (fx.changed) ++changes;
    fx.clear();
  }
  void deliver() {
    for (std::size_t i = 0; i < coming.size();) {
      if (coming[i].at > now) {
        ++i;
        continue;
      }
      const Coming one = coming[i];
      coming.erase(coming.begin() + static_cast<std::ptrdiff_t>(i));
      if (!nodes[one.id].alive) continue;
      if (one.is_answer) {
        chooser.on_answer(one.id, one.latency, now, fx);
        carry_out();
      } else {
        traffics[one.id].last_heard = now;
      }
    }
  }

  struct Coming {
    TimePoint at;
    std::string id;
    bool is_answer;
    Duration latency;
  };
  std::vector<Coming> coming;
  std::map<std::string, Traffic> traffics;
  std::optional<TimePoint> look_at;
};

TEST_F(ExitNodes, NoneIsInUseUntilOneIsWanted) {
  map_changed();
  EXPECT_EQ(in_use(), "(direct)");
  EXPECT_FALSE(chooser.next_deadline());
  want(Wish::Kind::Named, "b");
  EXPECT_EQ(in_use(), "b");
  want(Wish::Kind::Off);
  EXPECT_EQ(in_use(), "(direct)");
  EXPECT_EQ(changes, 2);
}

TEST_F(ExitNodes, ANamedOneStaysWhateverBecomesOfIt) {
  want(Wish::Kind::Named, "b");
  sending = true;
  nodes["b"].alive = false;
  pass(1min);
  EXPECT_EQ(in_use(), "b");
  candidates.clear();
  map_changed();
  EXPECT_EQ(in_use(), "b");
  want(Wish::Kind::Named, "");  // an address that nobody has
  EXPECT_EQ(in_use(), "");
  EXPECT_THAT(asked, IsEmpty());
}

TEST_F(ExitNodes, AutoTakesTheBestAndKeepsTheOneItHad) {
  want(Wish::Kind::Auto);
  EXPECT_EQ(in_use(), "a");
  want(Wish::Kind::Off);
  want(Wish::Kind::Auto, "c");
  pass(1h);
  EXPECT_EQ(in_use(), "c");
}

TEST_F(ExitNodes, AutoBeginsWithTheOneThatWasNamedAndLeavesItIfItIsDead) {
  want(Wish::Kind::Named, "b");
  want(Wish::Kind::Auto);
  EXPECT_EQ(in_use(), "b");
  EXPECT_EQ(changes, 1);
  want(Wish::Kind::Named, "c");
  nodes["c"].alive = false;
  sending = true;
  pass(5s);
  want(Wish::Kind::Auto);
  EXPECT_LE(until_left("c"), 2s);
}

TEST_F(ExitNodes, AutoHoldsTrafficBackWhileNobodyOffers) {
  candidates.clear();
  want(Wish::Kind::Auto);
  EXPECT_EQ(in_use(), "");
  add("d");
  map_changed();
  EXPECT_EQ(in_use(), "d");
  candidates.clear();
  map_changed();
  EXPECT_EQ(in_use(), "");
}

TEST_F(ExitNodes, ADeadOneIsLeftWithinTwoSecondsUnderLoad) {
  // Whenever it dies between two looks.
  for (int phase = 0; phase < 40; ++phase) {
    nodes["a"].alive = true;
    want(Wish::Kind::Off);
    want(Wish::Kind::Auto);
    sending = true;
    pass(3s + phase * 10ms);
    ASSERT_EQ(in_use(), "a");
    nodes["a"].alive = false;
    EXPECT_LE(until_left("a"), 2s) << phase;
    EXPECT_EQ(in_use(), "b");
  }
}

TEST_F(ExitNodes, TwoDeadAtOnceAreSkippedTogether) {
  want(Wish::Kind::Auto);
  sending = true;
  pass(3s);
  nodes["a"].alive = nodes["b"].alive = false;
  EXPECT_LE(until_left("a"), 2s);
  EXPECT_EQ(in_use(), "c");
}

TEST_F(ExitNodes, TrafficThatNobodyAnswersDoesNotMoveIt) {
  want(Wish::Kind::Auto);
  sending = true;
  host_answers = false;
  pass(5min);
  EXPECT_EQ(in_use(), "a");
  EXPECT_EQ(changes, 1);
}

TEST_F(ExitNodes, OurOwnNetworkBeingGoneDoesNotMoveItAndIsSeenToReturn) {
  want(Wish::Kind::Auto);
  sending = true;
  pass(3s);
  network_gone = true;
  asked.clear();
  pass(1min);
  EXPECT_EQ(in_use(), "a");
  EXPECT_LT(asked.size(), 300u) << "asks without pause";
  network_gone = false;
  pass(5s);
  EXPECT_EQ(in_use(), "a");
  EXPECT_EQ(changes, 1);
}

TEST_F(ExitNodes, WhenOnlyOthersReturnItMoves) {
  want(Wish::Kind::Auto);
  sending = true;
  pass(3s);
  network_gone = true;
  pass(20s);
  nodes["a"].alive = false;
  network_gone = false;
  EXPECT_LE(until_left("a"), 2s);
  EXPECT_EQ(in_use(), "b");
}

TEST_F(ExitNodes, OneThatCameBackIsNotReturnedTo) {
  want(Wish::Kind::Auto);
  sending = true;
  pass(3s);
  nodes["a"].alive = false;
  pass(3s);
  ASSERT_EQ(in_use(), "b");
  nodes["a"].alive = true;
  pass(20min);
  EXPECT_EQ(in_use(), "b") << "equal is not clearly better";
  EXPECT_EQ(changes, 2);
}

TEST_F(ExitNodes, AClearlyBetterOneIsTakenAtTheNextReviewIfItAnswers) {
  want(Wish::Kind::Auto);
  nodes["a"].latency = 200ms;
  pass(1min);
  ASSERT_EQ(in_use(), "b") << "the first review found a quicker one";
  candidate("b").home = 2;
  candidate("c").home = 2;
  map_changed();
  nodes["a"].alive = false;
  pass(10min);
  EXPECT_EQ(in_use(), "b") << "the one with the nearer relay does not answer";
  nodes["a"].alive = true;
  pass(6min);
  EXPECT_EQ(in_use(), "a");
}

TEST_F(ExitNodes, TwoThatDieInTurnsDoNotMakeItFlap) {
  want(Wish::Kind::Auto);
  candidates.pop_back();
  map_changed();
  sending = true;
  for (int round = 0; round < 30; ++round) {
    nodes["a"].alive = round % 2 == 0;
    nodes["b"].alive = !nodes["a"].alive;
    pass(1s);  // less than it takes to be taken for dead
  }
  EXPECT_LE(changes, 3);
}

TEST_F(ExitNodes, OneThatWithdrawsItsOfferIsLeftAtOnce) {
  want(Wish::Kind::Auto);
  std::erase_if(candidates, [](const Candidate& one) { return one.id == "a"; });
  map_changed();
  EXPECT_EQ(in_use(), "b");
}

TEST_F(ExitNodes, TheCoordinatorsWordThatItIsOfflineIsChecked) {
  want(Wish::Kind::Auto);
  pass(3s);
  candidate("a").online = false;
  map_changed();
  pass(5s);
  EXPECT_EQ(in_use(), "a") << "it answers";
  candidate("a").online = true;
  map_changed();
  nodes["a"].alive = false;
  candidate("a").online = false;
  map_changed();
  EXPECT_LE(until_left("a"), 2s) << "without any traffic";
}

TEST_F(ExitNodes, AnIdleNodeIsNotAskedBetweenReviews) {
  want(Wish::Kind::Auto);
  pass(3s);
  asked.clear();
  steps = 0;
  pass(4min);
  EXPECT_THAT(asked, IsEmpty());
  EXPECT_EQ(steps, 0);
}

TEST_F(ExitNodes, WorkingTrafficNeedsNoPings) {
  want(Wish::Kind::Auto);
  pass(3s);
  sending = true;
  asked.clear();
  pass(4min);
  EXPECT_THAT(asked, IsEmpty());
}

TEST_F(ExitNodes, OneFarAwayIsGivenThreeTimesItsLatency) {
  nodes["a"].latency = 700ms;
  nodes["b"].latency = nodes["c"].latency = 690ms;
  want(Wish::Kind::Auto);
  sending = true;
  pass(2min);
  EXPECT_EQ(in_use(), "a");
  EXPECT_EQ(changes, 1);
  nodes["a"].alive = false;
  EXPECT_LE(until_left("a"), 3500ms);
}

TEST_F(ExitNodes, PlainWireGuardPeersAreNeverAskedAndGivenMoreTime) {
  candidate("a").answers_pings = false;
  want(Wish::Kind::Auto);
  sending = true;
  pass(3s);
  nodes["a"].alive = false;
  pass(10s);
  EXPECT_EQ(in_use(), "a");
  EXPECT_THAT(asked, Not(Contains("a")));
  EXPECT_LE(until_left("a"), 10s);
}

TEST_F(ExitNodes, OnlyThoseMeantForItAreProposed) {
  map_changed();
  EXPECT_EQ(chooser.suggestion(), nullptr);
  candidate("c").suggested = true;
  map_changed();
  ASSERT_NE(chooser.suggestion(), nullptr);
  EXPECT_EQ(chooser.suggestion()->id, "c");
}

}  // namespace
}  // namespace aya::exit_node
