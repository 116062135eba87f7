// Joining, being refused, waiting for a person, expiring, leaving.
#include "proto/control/json_text.h"
#include "tests/daemon/coord/coord_bench.h"

namespace aya::coord {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class Registering : public CoordBench {
 protected:
  static control::RegisterResponse refusal(const std::string& why) {
    control::RegisterResponse answer;
    answer.error = why;
    return answer;
  }
  static control::RegisterResponse visit(const std::string& url) {
    control::RegisterResponse answer;
    answer.auth_url = url;
    return answer;
  }
  // The first question is answered with a URL, the second waits.
  void wait_for_a_person(const LoginWish& wish = {}) {
    server.on_register = [](const control::RegisterRequest& request) {
      return request.followup.empty()
                 ? std::optional(FakeCoordinator::json(visit("https://coord.test/a/1")))
                 : std::nullopt;
    };
    login(wish);
  }
  void answer(const control::RegisterResponse& response) {
    server.answer_waiting(response);
    settle();
  }
};

TEST_F(Registering, AnAuthKeyJoinsAtOnce) {
  login({.auth_key = "tskey-1", .ephemeral = true});
  ASSERT_THAT(server.registrations, SizeIs(1));
  const auto& request = server.registrations.front();
  EXPECT_EQ(request.auth->auth_key, "tskey-1");
  EXPECT_TRUE(request.ephemeral);
  EXPECT_GT(request.version, 0);
  EXPECT_EQ(request.hostinfo->hostname, "alpha");
  EXPECT_EQ(request.node_key, coord->identity().node_key.public_key());
  EXPECT_THAT(logins, ElementsAre("alice"));
  EXPECT_EQ(identity_changes, 1);
  EXPECT_EQ(coord->phase(), Phase::Running);
}

TEST_F(Registering, ARefusalIsShownAndNothingMoreHappensUntilSomebodyTriesAgain) {
  server.on_register = [](const auto&) {
    return FakeCoordinator::json(refusal("the auth key has expired"));
  };
  login({.auth_key = "tskey-old"});
  EXPECT_THAT(problems, ElementsAre("the auth key has expired"));
  EXPECT_EQ(coord->phase(), Phase::NeedsLogin);
  advance(1h);
  EXPECT_THAT(server.registrations, SizeIs(1));
  EXPECT_EQ(identity_changes, 0);
  server.on_register = [](const auto&) {
    return FakeCoordinator::json(FakeCoordinator::welcome());
  };
  login({.auth_key = "tskey-new"});
  EXPECT_EQ(server.registrations.back().auth->auth_key, "tskey-new");
  EXPECT_EQ(coord->phase(), Phase::Running);
}

TEST_F(Registering, APersonIsShownTheUrlAndWaitedFor) {
  wait_for_a_person();
  EXPECT_EQ(coord->auth_url(), "https://coord.test/a/1");
  EXPECT_EQ(coord->phase(), Phase::NeedsLogin);
  ASSERT_THAT(server.registrations, SizeIs(2));
  EXPECT_EQ(server.registrations[1].followup, "https://coord.test/a/1");
  EXPECT_EQ(server.registrations[1].node_key, server.registrations[0].node_key);
  advance(15min);  // however long that takes
  EXPECT_THAT(server.registrations, SizeIs(2));
  EXPECT_THAT(problems, IsEmpty());

  answer(FakeCoordinator::welcome());
  EXPECT_EQ(coord->auth_url(), "");
  EXPECT_EQ(coord->phase(), Phase::Running);
  EXPECT_EQ(coord->identity().node_key.public_key(), server.registrations[0].node_key);
}

TEST_F(Registering, AUrlThatRanOutIsReplaced) {
  wait_for_a_person();
  const int before = phase_changes;
  answer(visit("https://coord.test/a/2"));
  EXPECT_EQ(coord->auth_url(), "https://coord.test/a/2");
  EXPECT_GT(phase_changes, before);
  EXPECT_EQ(server.registrations.back().followup, "https://coord.test/a/2");
}

TEST_F(Registering, AServerThatDoesNotWaitIsAskedLessAndLessOften) {
  server.on_register = [](const auto&) {
    return FakeCoordinator::json(visit("https://coord.test/a/1"));
  };
  login();
  advance(1min);
  EXPECT_GT(server.registrations.size(), 15u);
  EXPECT_LT(server.registrations.size(), 40u);
}

TEST_F(Registering, AskingAgainShowsTheQuestionThatIsOpen) {
  wait_for_a_person();
  const int before = phase_changes;
  login();
  EXPECT_GT(phase_changes, before);
  EXPECT_THAT(server.registrations, SizeIs(2));
  EXPECT_EQ(coord->auth_url(), "https://coord.test/a/1");
}

TEST_F(Registering, AnAuthKeyTakesThePlaceOfTheOpenQuestion) {
  wait_for_a_person();
  const auto offered = server.registrations[0].node_key;
  server.on_register = [](const auto&) {
    return FakeCoordinator::json(FakeCoordinator::welcome());
  };
  login({.auth_key = "tskey-1"});
  EXPECT_EQ(server.registrations.back().auth->auth_key, "tskey-1");
  EXPECT_EQ(server.registrations.back().node_key, offered);
  EXPECT_EQ(coord->auth_url(), "");
  EXPECT_EQ(coord->phase(), Phase::Running);
  // The old question was taken back: nobody can answer it as if it were this one.
  answer(refusal("too late"));
  EXPECT_EQ(coord->phase(), Phase::Running);
  EXPECT_THAT(problems, IsEmpty());
}

TEST_F(Registering, TheQuestionOutlivesTheConnection) {
  wait_for_a_person();
  break_connections();
  EXPECT_EQ(coord->auth_url(), "https://coord.test/a/1");
  advance(1s);
  ASSERT_THAT(server.registrations, SizeIs(3));
  EXPECT_EQ(server.registrations[2].followup, "https://coord.test/a/1");
  answer(FakeCoordinator::welcome());
  EXPECT_EQ(coord->phase(), Phase::Running);
}

TEST_F(Registering, AServerThatDiedWhileAPersonIsWaitedForIsNoticed) {
  wait_for_a_person();
  server.reads = false;
  advance(kWaitProbe + kProbeTimeout);
  EXPECT_THAT(problems, ElementsAre("the server does not answer any more"));
  server.reads = true;
  advance(1s);
  EXPECT_THAT(server.registrations, SizeIs(3));
  EXPECT_EQ(coord->auth_url(), "https://coord.test/a/1");
}

TEST_F(Registering, AnAnswerThatNeverComesIsWaitedForThirtySecondsAndAskedAgainWithTheSameKey) {
  server.on_register = [](const auto&) { return std::nullopt; };
  login({.auth_key = "tskey-once"});
  advance(kRequestTimeout - 1ms);
  EXPECT_THAT(problems, IsEmpty());
  server.on_register = [](const auto&) {
    return FakeCoordinator::json(FakeCoordinator::welcome());
  };
  advance(1s);
  EXPECT_THAT(problems, ElementsAre("the server did not answer the registration"));
  ASSERT_THAT(server.registrations, SizeIs(2));
  // The first may have been carried out: a second key would find the auth key used up.
  EXPECT_EQ(server.registrations[0], server.registrations[1]);
  EXPECT_EQ(coord->phase(), Phase::Running);
}

TEST_F(Registering, AServerInTroubleIsTriedAgainAndQuoted) {
  int calls = 0;
  server.on_register = [&](const auto&) {
    return ++calls < 4 ? http::Response::text(500, std::string(1000, 'x'))
                       : FakeCoordinator::json(FakeCoordinator::welcome());
  };
  login();
  advance(5s);
  EXPECT_EQ(calls, 4);
  EXPECT_EQ(coord->phase(), Phase::Running);
  ASSERT_THAT(problems, SizeIs(3));
  EXPECT_THAT(problems[0], HasSubstr("status 500: xxx"));
  EXPECT_LT(problems[0].size(), 300u);  // not all of it
}

TEST_F(Registering, TooManyRequestsAreSpacedAsTheServerSays) {
  int calls = 0;
  server.on_register = [&](const auto&) {
    auto answer = http::Response::text(429, "slow down");
    answer.headers.set("Retry-After", "90");
    return ++calls == 1 ? answer : FakeCoordinator::json(FakeCoordinator::welcome());
  };
  login();
  advance(90s - 1ms);
  EXPECT_EQ(calls, 1);
  advance(1ms);
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(coord->phase(), Phase::Running);
}

TEST_F(Registering, AnAnswerThatCannotBeReadIsAskedForAgain) {
  int calls = 0;
  server.on_register = [&](const auto&) {
    return ++calls == 1 ? http::Response::json(200, "{\"User\":[")
                        : FakeCoordinator::json(FakeCoordinator::welcome());
  };
  login();
  EXPECT_THAT(problems, ElementsAre(HasSubstr("cannot be read")));
  advance(1s);
  EXPECT_EQ(coord->phase(), Phase::Running);
}

// ---- expiry

TEST_F(Registering, AKeyThatRunsOutNeedsALoginWhichRenewsItWhileTheMapStaysOpen) {
  server.self.key_expiry = now.wall + 1h;
  login();
  EXPECT_EQ(coord->phase(), Phase::Running);
  const auto old = coord->identity().node_key.public_key();
  advance_kept_alive(1h + 1min);
  EXPECT_EQ(coord->phase(), Phase::NeedsLogin);
  EXPECT_EQ(coord->in_poll(), true);

  server.self.key_expiry = now.wall + 24h;
  login({.auth_key = "tskey-2"});
  EXPECT_EQ(server.registrations.back().old_node_key, old);
  EXPECT_NE(server.registrations.back().node_key, old);
  EXPECT_EQ(coord->identity().node_key.public_key(), server.registrations.back().node_key);
  EXPECT_EQ(coord->identity().old_node_key.public_key(), old);
  EXPECT_EQ(server.polls.back().node_key, server.registrations.back().node_key);
  EXPECT_EQ(server.open_polls(), 1u);
  EXPECT_EQ(coord->phase(), Phase::Running);
}

TEST_F(Registering, AKeyThatIsReplacedOnWishIsGoodUntilThePersonHasCome) {
  login({.auth_key = "tskey-1"});
  const auto old = coord->identity().node_key.public_key();
  wait_for_a_person({.renew = true});
  EXPECT_EQ(coord->auth_url(), "https://coord.test/a/1");
  EXPECT_EQ(coord->phase(), Phase::Running);
  EXPECT_EQ(server.registrations.back().old_node_key, old);
  EXPECT_NE(server.registrations.back().node_key, old);
  EXPECT_EQ(coord->identity().node_key.public_key(), old);
  EXPECT_EQ(server.open_polls(), 1u);
  EXPECT_EQ(identity_changes, 1);

  answer(FakeCoordinator::welcome());
  EXPECT_EQ(coord->auth_url(), "");
  EXPECT_EQ(coord->phase(), Phase::Running);
  EXPECT_EQ(coord->identity().node_key.public_key(), server.registrations.back().node_key);
  EXPECT_EQ(server.polls.back().node_key, server.registrations.back().node_key);
  EXPECT_EQ(server.open_polls(), 1u);
}

TEST_F(Registering, AnExpiredKeyIsNoneWhileAPersonIsWaitedFor) {
  server.self.key_expiry = now.wall + 1h;
  login({.auth_key = "tskey-1"});
  wait_for_a_person({.renew = true});
  EXPECT_EQ(coord->phase(), Phase::Running);
  advance_kept_alive(1h + 1min);
  EXPECT_EQ(coord->phase(), Phase::NeedsLogin);
}

TEST_F(Registering, AnExtensionByTheAdministratorNeedsNobody) {
  server.self.key_expiry = now.wall + 1h;
  login();
  advance_kept_alive(2h);
  EXPECT_EQ(coord->phase(), Phase::NeedsLogin);
  control::MapResponse message;
  message.node = server.self;
  message.node->key = coord->identity().node_key.public_key();
  message.node->key_expiry = now.wall + 24h;
  server.say(message);
  settle();
  EXPECT_EQ(coord->phase(), Phase::Running);
  EXPECT_THAT(server.registrations, SizeIs(1));
}

TEST_F(Registering, ANodeThatHasToBeApprovedWaitsInsideItsMap) {
  server.self.machine_authorized = false;
  login();
  EXPECT_EQ(coord->phase(), Phase::NeedsMachineAuth);
  control::MapResponse message;
  message.node = server.self;
  message.node->machine_authorized = true;
  server.say(message);
  settle();
  EXPECT_EQ(coord->phase(), Phase::Running);
}

// ---- log-out

TEST_F(Registering, LoggingOutTellsTheServerAndForgetsTheKey) {
  login();
  const auto key = coord->identity().node_key.public_key();
  server.on_register = [](const auto&) {
    control::RegisterResponse gone;
    gone.node_key_expired = true;
    return FakeCoordinator::json(gone);
  };
  coord->logout(now, effects);
  settle();
  EXPECT_EQ(server.registrations.back().node_key, key);
  EXPECT_EQ(server.registrations.back().expiry, WallTime(123s));
  EXPECT_EQ(log_outs, 1);
  EXPECT_TRUE(coord->identity().node_key.is_zero());
  EXPECT_EQ(coord->phase(), Phase::Stopped);
  EXPECT_EQ(coord->netmap().self.id.value, 0);
  EXPECT_THAT(server.links(), IsEmpty());
  advance(1h);
  EXPECT_THAT(dialled, SizeIs(1));

  // The next login is a stranger's.
  server.on_register = [](const auto&) {
    return FakeCoordinator::json(FakeCoordinator::welcome());
  };
  login({.auth_key = "tskey-3"});
  EXPECT_NE(server.registrations.back().node_key, key);
  EXPECT_TRUE(server.registrations.back().old_node_key.is_zero());
  EXPECT_EQ(coord->phase(), Phase::Running);
}

TEST_F(Registering, ALogOutThatIsRefusedLeavesAllAsItWas) {
  login();
  server.on_register = [](const auto&) { return http::Response::text(500, "no room"); };
  coord->logout(now, effects);
  settle();
  EXPECT_THAT(
      problems, ElementsAre("not logged out: the server answered with status 500: no room"));
  EXPECT_EQ(log_outs, 0);
  EXPECT_FALSE(coord->identity().node_key.is_zero());
  EXPECT_EQ(coord->phase(), Phase::Running);
  EXPECT_EQ(coord->in_poll(), true);
}

TEST_F(Registering, ALogOutWhileAPersonIsWaitedForTakesTheQuestionBack) {
  server.self.key_expiry = now.wall + 1h;
  login();
  advance_kept_alive(2h);
  wait_for_a_person();  // for the renewal
  const auto old = coord->identity().node_key.public_key();
  server.on_register = [](const auto&) { return std::nullopt; };
  coord->logout(now, effects);
  settle();
  EXPECT_EQ(coord->auth_url(), "");
  EXPECT_EQ(server.registrations.back().node_key, old);
  answer(FakeCoordinator::welcome());
  EXPECT_THAT(logins, SizeIs(1));  // that of the beginning
  EXPECT_EQ(log_outs, 1);
  EXPECT_TRUE(coord->identity().node_key.is_zero());
  EXPECT_EQ(coord->phase(), Phase::Stopped);
}

}  // namespace
}  // namespace aya::coord
