#include "coord-server/webhooks/messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coord-server/webhooks/subscriptions.h"

namespace aya::webhooks {
namespace {

using testing::EndsWith;

const WallTime kNow = *parse_rfc3339("2026-02-01T09:00:00Z");

Event event(std::string message) {
  return {"nodeCreated", kNow, std::move(message), R"({"nodeID":"n1"})", 7, {}};
}

TEST(Messages, HaveTheFormTheirReaderKnows) {
  const std::vector<Event> events = {event("a has joined"), event("b has joined")};
  struct Case {
    const char* provider;
    const char* body;
  };
  const Case cases[] = {
      {"", R"([{"data":{"nodeID":"n1"},"message":"a has joined","tailnet":"home",)"
           R"("timestamp":"2026-02-01T09:00:00Z","type":"nodeCreated","version":1},)"
           R"({"data":{"nodeID":"n1"},"message":"b has joined","tailnet":"home",)"
           R"("timestamp":"2026-02-01T09:00:00Z","type":"nodeCreated","version":1}])"},
      {"slack", R"({"text":"home\na has joined\nb has joined"})"},
      {"mattermost", R"({"text":"home\na has joined\nb has joined"})"},
      {"googlechat", R"({"text":"home\na has joined\nb has joined"})"},
      {"discord", R"({"content":"home\na has joined\nb has joined"})"}};
  for (const Case& c : cases) {
    EXPECT_TRUE(is_provider(c.provider));
    EXPECT_EQ(message_body(c.provider, "home", events), c.body) << c.provider;
  }
  EXPECT_FALSE(is_provider("icq"));
}

// A chat refuses a text that is too long, and one that ends within a character.
TEST(Messages, AreCutBetweenCharacters) {
  std::string name;
  for (int i = 0; i < 1000; ++i) name += "箱";
  const std::string body = message_body("discord", "home", {{event(name)}});
  EXPECT_LT(body.size(), 2000u);
  EXPECT_THAT(body, EndsWith("箱…\"}"));
}

TEST(Messages, AreSignedOverTimeAndBody) {
  EXPECT_EQ(
      signature("aykey-webhook-x", kNow, "[]"),
      "t=1769936400,v1=a0bb36649ad9b309a32db22af24adab8372a37443174444afbb6f7f26f10ef89");
}

TEST(Subscriptions, AreEventsOrCategories) {
  EXPECT_TRUE(wants({"nodeCreated"}, "nodeCreated"));
  EXPECT_FALSE(wants({"nodeCreated"}, "nodeDeleted"));
  EXPECT_TRUE(wants({"categoryTailnetManagement"}, "nodeDeleted"));
  EXPECT_FALSE(wants({"categoryDeviceMisconfigurations"}, "nodeDeleted"));
  EXPECT_TRUE(wants({"categoryDeviceMisconfigurations"}, "subnetIPForwardingNotEnabled"));
  for (const std::string_view name : subscription_names()) EXPECT_TRUE(is_subscription(name));
  EXPECT_FALSE(is_subscription("nodeBorn"));
}

}  // namespace
}  // namespace aya::webhooks
