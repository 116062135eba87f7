// Webhooks end to end: what other programs are told of a network, and what becomes of messages that
// nobody takes.
#include "coord-server/webhooks/messages.h"
#include "tests/coord-server/serve/bench.h"

namespace aya::serve {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using delivery::Answered;
using delivery::Attempts;
using delivery::NoAnswer;
using webhooks::Webhooks;

class Hooks : public Bench {
 protected:
  std::string make(const Json& subscriptions, const std::string& account = "") {
    const Json made =
        api("POST", "/api/v2/tailnet/-/webhooks" + account,
            {{"endpointUrl", "https://hooks.example.com/a"}, {"subscriptions", subscriptions}});
    EXPECT_EQ(reply.status, 200) << made;
    secret = made.value("secret", "");
    posts.clear();
    return made.value("endpointId", "");
  }
  // Takes every message there is, and says what they told.
  std::vector<std::string> told() {
    std::vector<std::string> out;
    while (!posts.empty()) {
      messages = Json::parse(as_text(posts.front().message.body));
      for (const Json& event : messages) out.push_back(event.at("type"));
      answer_post(Answered{200});
    }
    return out;
  }
  Json state(const std::string& id) { return api("GET", "/api/v2/webhooks/" + id).at("ayatori"); }

  std::string_view proof() { return posts[0].message.headers.get(webhooks::kSignatureHeader); }
  std::string body() { return std::string(as_text(posts[0].message.body)); }

  std::string secret;
  Json messages;  // those of the last message
};

TEST_F(Hooks, TellWhatHappensToADevice) {
  make({"categoryTailnetManagement"});
  api("PATCH", "/api/v2/tailnet/-/settings", {{"devicesApprovalOn", true}});
  Machine& box = machine("box");
  send_register(box, register_request(box, auth_key()));
  EXPECT_THAT(told(), ElementsAre("nodeCreated", "nodeNeedsApproval"));
  EXPECT_EQ(messages[0].at("tailnet"), "default");
  EXPECT_EQ(messages[0].at("data").at("deviceName"), "box.default.mesh.test");
  EXPECT_EQ(messages[0].at("data").at("nodeID"), node(box).record.stable_id);
  api("POST", device(box) + "/authorized", {{"authorized", true}});
  api("POST", device(box) + "/ip?force=true", {{"ipv4", "100.64.0.77"}});
  EXPECT_THAT(told(), ElementsAre("nodeApproved", "nodeAddressChanged"));
  EXPECT_EQ(messages[0].at("data").at("newAddresses"), Json::array({"100.64.0.77"}));
  api("DELETE", device(box));
  EXPECT_THAT(told(), ElementsAre("nodeDeleted"));
}

TEST_F(Hooks, TellOfPeopleAndOfThePolicy) {
  make({"categoryTailnetManagement"});
  const Json bob =
      api("POST", "/api/v2/tailnet/-/users", {{"loginName", "bob"}, {"role", "member"}});
  const std::string path = "/api/v2/users/" + bob.at("id").get<std::string>();
  api("POST", path + "/role", {{"role", "admin"}});
  api("POST", path + "/suspend");
  api("POST", path + "/restore");
  api("POST", path + "/delete");
  api_text("POST", "/api/v2/tailnet/-/acl", R"({"acls": []})");
  EXPECT_THAT(
      told(), ElementsAre(
                  "userCreated", "userRoleUpdated", "userSuspended", "userRestored", "userDeleted",
                  "policyUpdate"));
  EXPECT_EQ(messages.back().at("data").at("newPolicy"), R"({"acls": []})");
}

TEST_F(Hooks, TellOfRoutersThatForwardNothing) {
  make({"categoryDeviceMisconfigurations"});
  Machine& gate = joined("gate");
  gate.offered = {*Prefix::parse("10.1.0.0/16"), *Prefix::parse("0.0.0.0/0"),
                  *Prefix::parse("::/0")};
  const auto say = [&](bool off) {
    control::MapRequest request = map_request(gate);
    request.omit_peers = true;
    if (off) request.debug_flags = {"netstack", "warn-ip-forwarding-off"};
    EXPECT_EQ(send_map(gate, request), 200);
  };
  say(false);
  EXPECT_THAT(told(), IsEmpty());
  say(true);
  EXPECT_THAT(
      told(), ElementsAre("exitNodeIPForwardingNotEnabled", "subnetIPForwardingNotEnabled"));
  EXPECT_EQ(messages[0].at("data").at("deviceName"), "gate.default.mesh.test");
  say(true);
  start();  // a server that starts again has not forgotten it
  say(true);
  EXPECT_THAT(told(), IsEmpty());
  say(false);
  gate.offered = {*Prefix::parse("10.1.0.0/16")};
  say(true);
  EXPECT_THAT(told(), ElementsAre("subnetIPForwardingNotEnabled"));
}

TEST_F(Hooks, TellWhatIsSubscribedToAndNothingElse) {
  const std::string id = make({"nodeDeleted"});
  Machine& box = joined("box");
  EXPECT_THAT(posts, IsEmpty());
  api("PATCH", "/api/v2/webhooks/" + id, {{"subscriptions", {"policyUpdate"}}});
  api("DELETE", device(box));
  EXPECT_THAT(posts, IsEmpty());
  api("POST", "/api/v2/webhooks/" + id + "/test");
  EXPECT_THAT(told(), ElementsAre("test"));
}

TEST_F(Hooks, SignWithASecretThatCanBeChanged) {
  const std::string id = make({"policyUpdate"});
  const std::string first = secret;
  api_text("POST", "/api/v2/tailnet/-/acl", R"({"acls": []})");
  ASSERT_EQ(posts.size(), 1u);
  EXPECT_EQ(proof(), webhooks::signature(first, wall, body()));
  told();
  const std::string second = api("POST", "/api/v2/webhooks/" + id + "/rotate").at("secret");
  EXPECT_NE(second, first);
  EXPECT_FALSE(api("GET", "/api/v2/webhooks/" + id).contains("secret"));
  api_text("POST", "/api/v2/tailnet/-/acl", R"({"acls": [], "groups": {}})");
  ASSERT_EQ(posts.size(), 1u);
  EXPECT_EQ(proof(), webhooks::signature(second, wall, body()));
}

TEST_F(Hooks, TryFiveTimesAndGoOn) {
  const std::string id = make({"nodeCreated"});
  joined("first");
  for (const auto wait : Attempts::kTryAgainAfter) {
    answer_post(NoAnswer{"refused"});
    advance(wait - 1s);
    EXPECT_THAT(posts, IsEmpty());
    advance(1s);
    EXPECT_EQ(posts.size(), 1u);
  }
  EXPECT_EQ(state(id).at("trouble"), "refused");
  answer_post(Answered{500});
  EXPECT_THAT(posts, IsEmpty());
  EXPECT_EQ(state(id).at("givenUp"), 1);
  joined("second");
  EXPECT_THAT(told(), ElementsAre("nodeCreated"));
  EXPECT_EQ(messages[0].at("data").at("deviceName"), "second.default.mesh.test");
  EXPECT_EQ(state(id).at("trouble"), "");
}

TEST_F(Hooks, WhatWaitsGoesInOneMessage) {
  make({"nodeCreated"});
  joined("first");
  joined("second");
  joined("third");
  ASSERT_EQ(posts.size(), 1u);
  answer_post(Answered{200});
  ASSERT_EQ(posts.size(), 1u);
  EXPECT_THAT(told(), ElementsAre("nodeCreated", "nodeCreated"));
}

TEST_F(Hooks, WhatWasNotDeliveredIsToldAfterARestart) {
  make({"nodeCreated"});
  joined("first");
  told();
  joined("second");  // nobody answers
  posts.clear();
  start();
  pump();
  EXPECT_THAT(told(), ElementsAre("nodeCreated"));
  EXPECT_EQ(messages[0].at("data").at("deviceName"), "second.default.mesh.test");
  start();
  advance(1h);
  EXPECT_THAT(posts, IsEmpty());
}

TEST_F(Hooks, KeysThatEndAreToldOnce) {
  api("PATCH", "/api/v2/tailnet/-/settings", {{"devicesKeyDurationDays", 2}});
  make({"nodeKeyExpired", "nodeKeyExpiringInOneDay"});
  joined("box");
  advance(23h);
  EXPECT_THAT(posts, IsEmpty());
  advance(2h);
  EXPECT_THAT(told(), ElementsAre("nodeKeyExpiringInOneDay"));
  start();
  advance(22h);
  EXPECT_THAT(posts, IsEmpty());
  advance(2h);
  EXPECT_THAT(told(), ElementsAre("nodeKeyExpired"));
  start();
  advance(2h);
  EXPECT_THAT(posts, IsEmpty());
}

TEST_F(Hooks, HearOfTheirOwnNetworkOnly) {
  api("POST", "/api/v2/accounts", {{"name", "lab"}, {"owner", "dora"}});
  const std::string theirs = make({"nodeCreated"}, "?account=lab");
  joined("box");
  EXPECT_THAT(posts, IsEmpty());
  const Json key = api("POST", "/api/v2/tailnet/-/keys", {{"keyType", "api"}});
  authorization = "Bearer " + key.at("key").get<std::string>();
  EXPECT_THAT(api("GET", "/api/v2/tailnet/-/webhooks").at("webhooks"), IsEmpty());
  api("GET", "/api/v2/webhooks/" + theirs);
  EXPECT_EQ(reply.status, 404);
}

TEST_F(Hooks, RefuseWhatMakesNoSense) {
  const auto refused = [&](const Json& wish) {
    api("POST", "/api/v2/tailnet/-/webhooks", wish);
    return reply.status;
  };
  EXPECT_EQ(refused({{"endpointUrl", "ftp://a.example"}}), 400);
  EXPECT_EQ(refused({{"endpointUrl", "https://a.example"}, {"providerType", "icq"}}), 400);
  EXPECT_EQ(refused({{"endpointUrl", "https://a.example"}, {"subscriptions", {"nodeBorn"}}}), 400);
  for (std::size_t i = 0; i < Webhooks::kMostOfAccount; ++i) make({"nodeCreated"});
  EXPECT_EQ(refused({{"endpointUrl", "https://a.example"}}), 409);
}

}  // namespace
}  // namespace aya::serve
