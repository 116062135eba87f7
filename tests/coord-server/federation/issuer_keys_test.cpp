#include "coord-server/federation/issuer_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/coord-server/oidc/signer.h"

namespace aya::federation {
namespace {

using Json = nlohmann::json;
using Progress = IssuerKeys::Progress;

class Issuers : public testing::Test {
 protected:
  static std::string url(std::size_t number) {
    return "https://" + std::to_string(number) + ".example";
  }
  std::vector<std::string> fetched() {
    std::vector<std::string> out;
    for (const Fetch& each : keys.take_fetches()) out.push_back(each.url);
    return out;
  }
  void answer(const std::string& issuer) {
    const Json about = {{"issuer", issuer}, {"jwks_uri", issuer + "/keys"}};
    EXPECT_EQ(keys.take(issuer, about.dump(), now), Progress::GoesOn);
    EXPECT_EQ(keys.take(issuer, signer.key_set().dump(), now), Progress::Over);
  }

  IssuerKeys keys;
  oidc::Signer signer{oidc::Signer::Kind::P256, "k1"};
  WallTime now = *parse_rfc3339("2026-02-01T09:00:00Z");
};

TEST_F(Issuers, AreAskedOnceHoweverManyWait) {
  EXPECT_TRUE(keys.ask(url(1), now));
  EXPECT_TRUE(keys.ask(url(1), now));
  EXPECT_THAT(fetched(), testing::ElementsAre(url(1) + "/.well-known/openid-configuration"));
  EXPECT_EQ(keys.find(url(1), now), nullptr);
  answer(url(1));
  EXPECT_THAT(fetched(), testing::ElementsAre(url(1) + "/keys"));
  ASSERT_NE(keys.find(url(1), now), nullptr);
  EXPECT_FALSE(keys.ask(url(1), now)) << "a moment ago";
  EXPECT_TRUE(keys.ask(url(1), now + IssuerKeys::kAtMostEvery));
  EXPECT_EQ(keys.find(url(1), now + IssuerKeys::kKept), nullptr);
}

TEST_F(Issuers, ThatFailToAnswerTakeNoKeysAway) {
  keys.ask(url(1), now);
  answer(url(1));
  now += IssuerKeys::kAtMostEvery;
  keys.ask(url(1), now);
  EXPECT_EQ(keys.take(url(1), NoDocument{"refused"}, now), Progress::Over);
  EXPECT_EQ(keys.trouble(url(1)), "refused");
  EXPECT_NE(keys.find(url(1), now), nullptr);
  EXPECT_EQ(keys.take(url(1), std::string("{}"), now), Progress::Over) << "nobody asked";
  EXPECT_EQ(keys.take(url(2), std::string("{}"), now), Progress::Over);
}

TEST_F(Issuers, AreAskedSoManyAtATime) {
  for (std::size_t i = 0; i < IssuerKeys::kMostAtOnce; ++i) EXPECT_TRUE(keys.ask(url(i), now));
  EXPECT_FALSE(keys.ask(url(99), now));
  EXPECT_EQ(fetched().size(), IssuerKeys::kMostAtOnce);
  EXPECT_EQ(keys.take(url(0), NoDocument{"refused"}, now), Progress::Over);
  EXPECT_TRUE(keys.ask(url(99), now));
}

TEST_F(Issuers, AreForgottenWhenTooManyOthersAreKnown) {
  for (std::size_t i = 0; i < IssuerKeys::kMost; ++i) {
    ASSERT_TRUE(keys.ask(url(i), now));
    if (i != 0) answer(url(i));  // the first is being asked all the time
    now += std::chrono::seconds(1);
  }
  ASSERT_TRUE(keys.ask(url(99), now));
  answer(url(99));
  EXPECT_NE(keys.find(url(99), now), nullptr);
  EXPECT_EQ(keys.find(url(1), now), nullptr);
  EXPECT_NE(keys.find(url(2), now), nullptr);
  answer(url(0));
  EXPECT_NE(keys.find(url(0), now), nullptr);
}

TEST_F(Issuers, ACalendarThatWasSetBackMakesNothingLastLonger) {
  keys.ask(url(1), now);
  answer(url(1));
  now -= std::chrono::hours(24);
  EXPECT_EQ(keys.find(url(1), now), nullptr);
  EXPECT_TRUE(keys.ask(url(1), now));
}

}  // namespace
}  // namespace aya::federation
