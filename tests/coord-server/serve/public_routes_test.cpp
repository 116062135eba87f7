// What anybody may ask.
#include "coord-server/serve/public_routes.h"

#include <gtest/gtest.h>

namespace aya::serve {
namespace {

http::Request get(std::string target, std::string method = "GET") {
  http::Request request;
  request.method = std::move(method);
  request.target = std::move(target);
  return request;
}

TEST(PublicRoutes, TellCallersTheAddressTheyComeFrom) {
  for (const std::string_view address : {"198.51.100.7", "2001:db8::7"}) {
    const auto answer =
        answer_public(get("/whatismyip?x=1"), *IpAddress::parse(address), PublicFacts{});
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(as_text(answer->body), std::string(address) + "\n");
    EXPECT_EQ(answer->headers.get("Cache-Control"), "no-store");
  }
  EXPECT_FALSE(answer_public(get("/whatismyip", "POST"), IpAddress{}, PublicFacts{}));
}

TEST(PublicRoutes, HearRelaysThatAskWhoseClientSomebodyIs) {
  http::Request request = get("/verify", "POST");
  const std::string key = "nodekey:" + std::string(62, '0') + "17";
  append(request.body, as_bytes(R"({"NodePublic":")" + key + R"(","Source":"192.0.2.9"})"));
  const auto asked = admission_question(request);
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->node.to_text(), key);
  EXPECT_EQ(asked->source.to_text(), "192.0.2.9");
  EXPECT_EQ(as_text(admission_answer(false).body), R"({"Allow":false})");
  request.method = "GET";
  EXPECT_FALSE(admission_question(request));
  http::Request unreadable = get("/verify", "POST");
  append(unreadable.body, as_bytes("{}"));
  EXPECT_FALSE(admission_question(unreadable));
}

}  // namespace
}  // namespace aya::serve
