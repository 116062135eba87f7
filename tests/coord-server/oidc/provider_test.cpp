#include "coord-server/oidc/provider.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/seeded_rng.h"

namespace aya::oidc {
namespace {

using Json = nlohmann::json;

Config config() {
  Config config;
  config.issuer = "https://id.test";
  config.client_id = "ayatori";
  config.client_secret = "s/e c";
  return config;
}

Json document() {
  return {
      {"issuer", "https://id.test"},
      {"authorization_endpoint", "https://id.test/auth"},
      {"token_endpoint", "https://id.test/token"},
      {"jwks_uri", "https://id.test/keys"}};
}

TEST(Discovery, MustBeAboutTheVeryIssuerAndOverTls) {
  EXPECT_TRUE(parse_discovery(document().dump(), config()));
  for (const auto& [name, value] : std::initializer_list<std::pair<const char*, const char*>>{
           {"issuer", "https://id.test/"},
           {"token_endpoint", "http://id.test/token"},
           {"jwks_uri", ""}}) {
    Json changed = document();
    changed[name] = value;
    EXPECT_FALSE(parse_discovery(changed.dump(), config())) << name;
  }
  EXPECT_FALSE(parse_discovery("<html>", config()));
}

TEST(AuthorizationUrl, AlwaysHasPkce) {
  Attempt attempt{"st", "no", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"};  // RFC 7636, B
  EXPECT_EQ(
      authorization_url(
          config(), *parse_discovery(document().dump(), config()), attempt,
          "https://coord.test/oidc/callback"),
      "https://id.test/auth?response_type=code&client_id=ayatori&"
      "redirect_uri=https%3A%2F%2Fcoord.test%2Foidc%2Fcallback&scope=openid%20email%20profile&"
      "state=st&nonce=no&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&"
      "code_challenge_method=S256");
}

TEST(TokenRequests, UseTheMethodThatTheProviderTakes) {
  const Attempt attempt{"st", "no", "ver"};
  Json with_post = document();
  with_post["token_endpoint_auth_methods_supported"] = {"client_secret_post"};
  const auto basic = token_request(
      config(), *parse_discovery(document().dump(), config()), attempt, "c", "https://x/");
  EXPECT_EQ(basic.authorization, "Basic YXlhdG9yaTpzJTJGZSUyMGM=");
  EXPECT_THAT(basic.body, testing::HasSubstr("code_verifier=ver"));
  EXPECT_THAT(basic.body, testing::Not(testing::HasSubstr("client_secret")));
  const auto post = token_request(
      config(), *parse_discovery(with_post.dump(), config()), attempt, "c", "https://x/");
  EXPECT_EQ(post.authorization, "");
  EXPECT_THAT(post.body, testing::HasSubstr("client_secret=s%2Fe%20c"));
}

TEST(Filters, AllThatAreSetMustLetAPersonThrough) {
  Claims alice;
  alice.email = "Alice@Example.com";
  alice.email_verified = true;
  alice.groups = {"staff"};
  Config open = config();
  EXPECT_FALSE(refusal_of(open, alice));
  open.allowed_domains = {"example.com"};
  EXPECT_FALSE(refusal_of(open, alice));
  open.allowed_groups = {"ops"};
  EXPECT_TRUE(refusal_of(open, alice));
  open.allowed_groups = {"ops", "staff"};
  EXPECT_FALSE(refusal_of(open, alice));
  open.allowed_users = {"bob@example.com"};
  EXPECT_TRUE(refusal_of(open, alice));
  open.allowed_users.clear();
  alice.email_verified = false;
  EXPECT_TRUE(refusal_of(open, alice)) << "an address that nobody has checked";
  open.unverified_email = true;
  EXPECT_FALSE(refusal_of(open, alice));
  alice.email_verified = true;
  alice.email = "alice@evil.example.com@other.test";
  EXPECT_TRUE(refusal_of(open, alice));
}

TEST(Logins, AreVerifiedAddressesOrNames) {
  Config open = config();
  Claims claims;
  claims.subject = "47 11";
  EXPECT_EQ(login_of(open, claims), "4711");
  claims.preferred_username = "al ice";
  EXPECT_EQ(login_of(open, claims), "alice");
  claims.email = "alice@example.com";
  EXPECT_EQ(login_of(open, claims), "alice");
  open.unverified_email = true;
  EXPECT_EQ(login_of(open, claims), "alice@example.com") << "its word is taken";
  open.unverified_email = false;
  claims.email_verified = true;
  EXPECT_EQ(login_of(open, claims), "alice@example.com");
}

}  // namespace
}  // namespace aya::oidc
