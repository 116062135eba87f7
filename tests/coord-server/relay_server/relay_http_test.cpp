#include "coord-server/relay_server/relay_http.h"

#include <gtest/gtest.h>

#include "tests/support/seeded_rng.h"

namespace aya::relay_server {
namespace {

derp::RelayPublicKey relay_key() {
  test::SeededRng rng;
  return derp::RelayPrivateKey::generate(rng).public_key();
}

std::string header_of(const RelayAnswer& answer, std::string_view name) {
  for (const auto& [key, value] : answer.headers) {
    if (key == name) return value;
  }
  return "";
}

TEST(RelayHttp, UpgradesWhoeverAsksForDerpInAnySpelling) {
  for (const std::string_view spelling : {"DERP", "derp", "Derp", "websocket", "WebSocket"}) {
    const auto decision = decide_upgrade({.path = "/derp", .upgrade = spelling}, relay_key());
    ASSERT_TRUE(decision.derp) << spelling;
    const std::string& head = decision.derp->response_head;
    EXPECT_TRUE(head.starts_with("HTTP/1.1 101 "));
    EXPECT_NE(head.find("\r\nDerp-Version: 2\r\n"), std::string::npos);
    const std::string hex = relay_key().to_text().substr(derp::RelayRole::kPublicPrefix.size());
    EXPECT_NE(head.find("\r\nDerp-Public-Key: " + hex + "\r\n"), std::string::npos);
    EXPECT_TRUE(head.ends_with("\r\n\r\n"));
    EXPECT_TRUE(decision.derp->ideal);
  }
}

TEST(RelayHttp, SaysNothingBeforeAFastStart) {
  const auto decision =
      decide_upgrade({.upgrade = "DERP", .fast_start = "1", .ideal_node = "900a"}, relay_key());
  ASSERT_TRUE(decision.derp);
  EXPECT_TRUE(decision.derp->response_head.empty());
  EXPECT_FALSE(decision.derp->ideal);
}

TEST(RelayHttp, RefusesOtherUpgradesWith426) {
  EXPECT_EQ(decide_upgrade({.upgrade = ""}, relay_key()).refusal.status, 426);
  EXPECT_EQ(decide_upgrade({.upgrade = "h2c"}, relay_key()).refusal.status, 426);
  EXPECT_EQ(
      decide_upgrade({.upgrade = "websocket", .websocket_protocol = "derp"}, relay_key())
          .refusal.status,
      426);
}

TEST(RelayHttp, AnswersProbes) {
  for (const std::string_view path : {"/derp/probe", "/derp/latency-check"}) {
    for (const std::string_view method : {"GET", "HEAD"}) {
      const auto answer = answer_plain({.method = method, .path = path});
      ASSERT_TRUE(answer);
      EXPECT_EQ(answer->status, 200);
      EXPECT_EQ(header_of(*answer, "Access-Control-Allow-Origin"), "*");
    }
    EXPECT_EQ(answer_plain({.method = "POST", .path = path})->status, 405);
  }
}

TEST(RelayHttp, AnswersAChallengeOnlyIfItIsOne) {
  const auto answer = [](std::string_view challenge) {
    const auto out =
        answer_plain({.method = "GET", .path = "/generate_204", .challenge = challenge});
    EXPECT_EQ(out->status, 204);
    return header_of(*out, "X-Tailscale-Response");
  };
  EXPECT_EQ(answer("ts_a.b:c-D9"), "response ts_a.b:c-D9");
  EXPECT_EQ(answer(std::string(64, 'x')), "response " + std::string(64, 'x'));
  EXPECT_EQ(answer(std::string(65, 'x')), "");
  EXPECT_EQ(answer("a b"), "");
  EXPECT_EQ(answer("a\r\nSet-Cookie: x"), "");
  EXPECT_EQ(answer(""), "");
}

TEST(RelayHttp, LeavesOtherPathsAlone) {
  EXPECT_TRUE(answer_plain({.method = "GET", .path = "/robots.txt"}));
  EXPECT_FALSE(answer_plain({.method = "GET", .path = "/derp"}));
  EXPECT_FALSE(answer_plain({.method = "GET", .path = "/machine/map"}));
}

}  // namespace
}  // namespace aya::relay_server
