// Which key is offered, and what an answer makes of it.
#include "daemon/coord/login.h"

#include <gtest/gtest.h>

#include "tests/support/seeded_rng.h"

namespace aya::coord {
namespace {

using Verdict = Login::Verdict;

struct LoginTest : testing::Test {
  static control::RegisterResponse accepted() { return {}; }
  static control::RegisterResponse expired() {
    control::RegisterResponse answer;
    answer.node_key_expired = true;
    return answer;
  }
  static control::RegisterResponse visit(const char* url) {
    control::RegisterResponse answer;
    answer.auth_url = url;
    return answer;
  }
  static control::RegisterResponse refused(const char* why) {
    control::RegisterResponse answer;
    answer.error = why;
    return answer;
  }
  // One that is registered already.
  Login registered() { return Login({NodePrivateKey::generate(rng), {}}, rng); }

  test::SeededRng rng;
};

TEST_F(LoginTest, TheFirstKeyIsMadeForTheQuestionAndAdoptedWithTheAnswer) {
  Login login({}, rng);
  login.begin("tskey-1", true, false);
  const auto request = login.request();
  EXPECT_FALSE(request.node_key.is_zero());
  EXPECT_TRUE(request.old_node_key.is_zero());
  EXPECT_EQ(request.auth->auth_key, "tskey-1");
  EXPECT_TRUE(request.ephemeral);
  EXPECT_TRUE(login.identity().node_key.is_zero());

  EXPECT_EQ(login.on_answer(accepted()), Verdict::Registered);
  EXPECT_EQ(login.identity().node_key.public_key(), request.node_key);
  EXPECT_TRUE(login.identity().old_node_key.is_zero());
  EXPECT_FALSE(login.asking());
}

TEST_F(LoginTest, AKnownNodeOffersTheKeyItHas) {
  Login login = registered();
  const auto known = login.identity().node_key.public_key();
  login.begin(std::nullopt, false, false);
  EXPECT_EQ(login.request().node_key, known);
  EXPECT_TRUE(login.request().old_node_key.is_zero());
  EXPECT_EQ(login.request().auth, std::nullopt);
  EXPECT_EQ(login.on_answer(accepted()), Verdict::Registered);
  EXPECT_EQ(login.identity().node_key.public_key(), known);
}

TEST_F(LoginTest, AnExpiredKeyIsReplacedOnceAndAtOnce) {
  Login login = registered();
  const auto old = login.identity().node_key.public_key();
  login.begin(std::nullopt, false, false);
  EXPECT_EQ(login.on_answer(expired()), Verdict::AskNow);
  const auto renewed = login.request();
  EXPECT_NE(renewed.node_key, old);
  EXPECT_EQ(renewed.old_node_key, old);
  EXPECT_EQ(login.on_answer(accepted()), Verdict::Registered);
  EXPECT_EQ(login.identity().node_key.public_key(), renewed.node_key);
  EXPECT_EQ(login.identity().old_node_key.public_key(), old);
}

TEST_F(LoginTest, AServerThatCallsANewKeyExpiredIsNotAskedForEver) {
  Login login({}, rng);
  login.begin(std::nullopt, false, false);
  EXPECT_EQ(login.on_answer(expired()), Verdict::Refused);
  EXPECT_FALSE(login.reason().empty());
  EXPECT_FALSE(login.asking());
}

TEST_F(LoginTest, APersonIsWaitedForWithTheSameKey) {
  Login login({}, rng);
  login.begin(std::nullopt, false, false);
  const auto key = login.request().node_key;
  EXPECT_EQ(login.on_answer(visit("https://c.test/a/1")), Verdict::AskNow);
  EXPECT_EQ(login.auth_url(), "https://c.test/a/1");
  EXPECT_EQ(login.request().followup, "https://c.test/a/1");
  EXPECT_EQ(login.request().node_key, key);
  // The same again: nobody has come, and the server did not wait.
  EXPECT_EQ(login.on_answer(visit("https://c.test/a/1")), Verdict::AskLater);
  // The first has run out.
  EXPECT_EQ(login.on_answer(visit("https://c.test/a/2")), Verdict::AskNow);
  EXPECT_EQ(login.auth_url(), "https://c.test/a/2");
  EXPECT_EQ(login.on_answer(accepted()), Verdict::Registered);
  EXPECT_EQ(login.auth_url(), "");
  EXPECT_EQ(login.identity().node_key.public_key(), key);
}

TEST_F(LoginTest, AnErrorCountsBeforeEverythingElse) {
  Login login({}, rng);
  login.begin("tskey-old", false, false);
  auto answer = refused("the key has expired");
  answer.node_key_expired = true;
  answer.auth_url = "https://c.test/a/1";
  EXPECT_EQ(login.on_answer(answer), Verdict::Refused);
  EXPECT_EQ(login.reason(), "the key has expired");
  EXPECT_EQ(login.auth_url(), "");
  EXPECT_TRUE(login.identity().node_key.is_zero());
}

TEST_F(LoginTest, AKeyOnOfferIsOfferedAgainByTheNextTry) {
  // The server may have let it in, with only the answer missing: another key would be another node.
  Login login({}, rng);
  login.begin(std::nullopt, false, false);
  const auto key = login.request().node_key;
  EXPECT_EQ(login.on_answer(visit("https://c.test/a/1")), Verdict::AskNow);
  login.begin("tskey-1", false, false);
  EXPECT_EQ(login.request().node_key, key);
  EXPECT_EQ(login.request().followup, "");
  EXPECT_EQ(login.request().auth->auth_key, "tskey-1");
  // After a refusal there is nothing to keep.
  EXPECT_EQ(login.on_answer(refused("no")), Verdict::Refused);
  login.begin("tskey-2", false, false);
  EXPECT_NE(login.request().node_key, key);
}

TEST_F(LoginTest, ARenewalOffersANewKeyAtOnceAndKeepsTheOldUntilItIsAccepted) {
  Login login = registered();
  const auto old = login.identity().node_key.public_key();
  login.begin(std::nullopt, false, true);
  EXPECT_NE(login.request().node_key, old);
  EXPECT_EQ(login.request().old_node_key, old);
  EXPECT_EQ(login.identity().node_key.public_key(), old);
  login.abandon();
  EXPECT_EQ(login.identity().node_key.public_key(), old);
}

TEST_F(LoginTest, LoggingOutIsAnExpiryInThePast) {
  Login login = registered();
  const auto request = login.logout_request();
  EXPECT_EQ(request.node_key, login.identity().node_key.public_key());
  EXPECT_EQ(request.expiry, WallTime(123s));
  login.forget();
  EXPECT_TRUE(login.identity().node_key.is_zero());
}

}  // namespace
}  // namespace aya::coord
