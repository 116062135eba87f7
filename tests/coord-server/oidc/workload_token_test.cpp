#include "coord-server/oidc/workload_token.h"

#include <gtest/gtest.h>

#include "coord-server/oidc/provider.h"
#include "tests/coord-server/oidc/signer.h"

namespace aya::oidc {
namespace {

using Json = nlohmann::json;

TEST(Patterns, AStarStandsForAnyCharacters) {
  struct Row {
    const char* pattern;
    const char* text;
    bool matches;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"", "", true},
           {"", "a", false},
           {"*", "", true},
           {"**", "abc", true},
           {"repo:a/b", "repo:a/b", true},
           {"repo:a/b", "repo:a/bc", false},
           {"repo:a/b", "repo:a/B", false},
           {"repo:a/*", "repo:a/", true},
           {"repo:a/*", "repo:a/b:ref:refs/heads/main", true},
           {"repo:a/*", "xrepo:a/b", false},
           {"*:main", "x:y:main", true},
           {"*:main", "x:main:y", false},
           {"a*b*c", "a-b-b-c", true},
           {"a*b*c", "a-c-b", false},
           {"*aab", "aaaab", true},
           {"a*", "a*", true},
           {"?", "x", false},
           {".*", "abc", false}}) {
    EXPECT_EQ(matches_pattern(row.pattern, row.text), row.matches)
        << row.pattern << " and " << row.text;
  }
}

TEST(KeyLocations, AreThoseOfTheIssuerThatWasAsked) {
  const std::string issuer = "https://issuer.example";
  const auto of = [&](const Json& document) {
    auto got = parse_key_location(document.dump(), issuer);
    return got ? got->url : "refused";
  };
  const std::string keys = "https://keys.example/k";
  EXPECT_EQ(of({{"issuer", issuer}, {"jwks_uri", keys}}), keys);
  EXPECT_EQ(of({{"issuer", issuer + "/"}, {"jwks_uri", keys}}), "refused");
  for (const char* url : {"", "http://127.0.0.1/k", "file:///etc/passwd", "https://u@x/"}) {
    EXPECT_EQ(of({{"issuer", issuer}, {"jwks_uri", url}}), "refused") << url;
  }
  EXPECT_FALSE(parse_key_location("[]", issuer));
}

TEST(WorkloadTokens, OfAnIssuerWhoseKeysHaveNoNamesMayBeByANewKey) {
  const WorkloadRules rules{"https://issuer.example", "us", "*", {}};
  const WallTime now = *parse_rfc3339("2026-02-01T09:00:00Z");
  const Json claims = {
      {"iss", rules.issuer}, {"aud", "us"}, {"sub", "a"}, {"exp", 1769936700}};  // in five minutes
  const Signer old(Signer::Kind::P256, ""), next(Signer::Kind::P256, "");
  const std::string header = R"({"alg":"ES256"})";
  const std::string text = next.token(header, claims.dump());
  auto token = WorkloadToken::read(text, rules, now);
  ASSERT_TRUE(token) << token.error().detail;
  auto verified = token->verify(parse_key_set(old.key_set().dump()), rules);
  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().kind, TokenFault::Kind::UnknownKey);
  EXPECT_TRUE(token->verify(parse_key_set(next.key_set().dump()), rules));
}

}  // namespace
}  // namespace aya::oidc
