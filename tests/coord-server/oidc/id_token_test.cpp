#include "coord-server/oidc/id_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/coord-server/oidc/signer.h"

namespace aya::oidc {
namespace {

using Json = nlohmann::json;

const WallTime kNow = *parse_rfc3339("2026-02-01T09:00:00Z");

std::int64_t seconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

Json good_claims() {
  return {
      {"iss", "https://id.test"},
      {"aud", "ayatori"},
      {"sub", "4711"},
      {"nonce", "n1"},
      {"iat", seconds(kNow)},
      {"exp", seconds(kNow) + 300},
      {"email", "alice@example.com"},
      {"email_verified", true},
      {"name", "Alice"},
      {"groups", {"staff", "ops"}}};
}

Expected expected() { return {"https://id.test", "ayatori", "n1", ""}; }

class IdToken : public testing::TestWithParam<Signer::Kind> {
 protected:
  IdToken() : signer(GetParam(), "k1"), keys(parse_key_set(signer.key_set().dump())) {}
  std::string fault(const Json& claims) const {
    auto got = verify_id_token(signer.token(claims), keys, expected(), kNow);
    return got ? "" : got.error().detail;
  }
  Signer signer;
  KeySet keys;
};

TEST_P(IdToken, SaysWhoSignedIn) {
  ASSERT_EQ(keys.size(), 1u);
  auto got = verify_id_token(signer.token(good_claims()), keys, expected(), kNow);
  ASSERT_TRUE(got) << got.error().detail;
  EXPECT_EQ(got->subject, "4711");
  EXPECT_EQ(got->email, "alice@example.com");
  EXPECT_TRUE(got->email_verified);
  EXPECT_THAT(got->groups, testing::ElementsAre("staff", "ops"));
}

TEST_P(IdToken, IsRefusedForEveryClaimThatDoesNotFit) {
  struct Row {
    const char* claim;
    Json value;
    const char* why;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"iss", "https://id.test/", "iss"},
           {"aud", "other", "aud"},
           {"aud", Json::array({"ayatori", "other"}), "azp"},
           {"azp", "other", "azp"},
           {"nonce", "n2", "nonce"},
           {"nonce", nullptr, "nonce"},
           {"exp", seconds(kNow) - 61, "expired"},
           {"exp", "soon", "exp"},
           {"exp", -1, "exp"},
           {"exp", 1e300, "exp"},
           {"iat", seconds(kNow) + 120, "future"},
           {"iat", nullptr, "iat"},
           {"nbf", seconds(kNow) + 120, "not valid yet"},
           {"sub", "", "sub"},
           {"sub", 4711, "sub"}}) {
    Json claims = good_claims();
    claims[row.claim] = row.value;
    EXPECT_THAT(fault(claims), testing::HasSubstr(row.why)) << row.claim << ' ' << row.value;
  }
  Json several = good_claims();
  several["aud"] = {"other", "ayatori"};
  several["azp"] = "ayatori";
  EXPECT_EQ(fault(several), "");
}

TEST_P(IdToken, IsRefusedWhenAnyPartWasChanged) {
  const std::string good = signer.token(good_claims());
  for (std::size_t at = 0; at < good.size(); at += 7) {
    std::string changed = good;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(verify_id_token(changed, keys, expected(), kNow)) << at;
  }
  for (const std::string& broken :
       {std::string(), std::string("."), std::string(".."), good + ".", good + "A",
        good.substr(0, good.rfind('.') + 1)}) {
    EXPECT_FALSE(verify_id_token(broken, keys, expected(), kNow));
  }
}

TEST_P(IdToken, AnUnknownKeyIsSaidToBeThat) {
  const Signer other(GetParam(), "k2");
  auto got = verify_id_token(other.token(good_claims()), keys, expected(), kNow);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, TokenFault::Kind::UnknownKey);
  const Signer same_name(GetParam(), "k1");
  got = verify_id_token(same_name.token(good_claims()), keys, expected(), kNow);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, TokenFault::Kind::Invalid);
}

TEST_P(IdToken, DoesNotChooseTheAlgorithm) {
  const std::string payload = good_claims().dump();
  for (const char* alg : {"none", "HS256", "RS384", "ES384", "", "rs256"}) {
    const std::string header = Json{{"alg", alg}, {"kid", "k1"}}.dump();
    EXPECT_FALSE(verify_id_token(signer.token(header, payload), keys, expected(), kNow)) << alg;
  }
  const std::string critical =
      Json{{"alg", signer.algorithm()}, {"kid", "k1"}, {"crit", {"x"}}}.dump();
  EXPECT_FALSE(verify_id_token(signer.token(critical, payload), keys, expected(), kNow));
}

TEST_P(IdToken, ANameThatOccursTwiceIsNoToken) {
  std::string payload = good_claims().dump();
  payload.insert(1, R"("sub":"4712",)");
  const std::string header = Json{{"alg", signer.algorithm()}}.dump();
  EXPECT_FALSE(verify_id_token(signer.token(header, payload), keys, expected(), kNow));
}

INSTANTIATE_TEST_SUITE_P(
    Keys, IdToken, testing::Values(Signer::Kind::Rsa, Signer::Kind::P256, Signer::Kind::Ed25519));

TEST(KeySets, TakeRsaPssAndLeaveOutWhatIsWeakOrForSomethingElse) {
  const Signer signer(Signer::Kind::Rsa, "k1");
  const KeySet keys = parse_key_set(signer.key_set().dump());
  const std::string header = Json{{"alg", "PS256"}, {"kid", "k1"}}.dump();
  const std::string pss = signer.token(header, good_claims().dump(), true);
  EXPECT_TRUE(verify_id_token(pss, keys, expected(), kNow));

  EXPECT_TRUE(parse_key_set(Signer(Signer::Kind::Rsa, "weak", 1024).key_set().dump()).empty());
  Json for_encryption = signer.key_set();
  for_encryption["keys"][0]["use"] = "enc";
  EXPECT_TRUE(parse_key_set(for_encryption.dump()).empty());
  Json even = signer.key_set();
  even["keys"][0]["e"] = "Ag";
  EXPECT_TRUE(parse_key_set(even.dump()).empty());
  for (const char* text : {"", "[]", "{}", R"({"keys":[1,{"kty":"oct","k":"AAAA"}]})"}) {
    EXPECT_TRUE(parse_key_set(text).empty()) << text;
  }
}

TEST(AccessTokens, AreBoundByTheirHash) {
  const Signer signer(Signer::Kind::P256, "k1");
  const KeySet keys = parse_key_set(signer.key_set().dump());
  Json claims = good_claims();
  // OpenID Connect Core, the example of A.3 has this shape; the value is of
  // "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y".
  claims["at_hash"] = "77QmUPtjPfzWtF2AnpK9RQ";
  Expected want = expected();
  want.access_token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
  EXPECT_TRUE(verify_id_token(signer.token(claims), keys, want, kNow));
  want.access_token += "x";
  EXPECT_FALSE(verify_id_token(signer.token(claims), keys, want, kNow));
}

}  // namespace
}  // namespace aya::oidc
