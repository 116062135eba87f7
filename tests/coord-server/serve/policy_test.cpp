// The policy end to end: set over REST, live in maps, filters and routes; kept version by version.
#include "tests/coord-server/serve/api_vectors.h"

namespace aya::serve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kAcl = "/api/v2/tailnet/-/acl";
constexpr const char* kDenyAll = "{\n  // nothing yet\n  \"grants\": [],\n}\n";

class PolicyLive : public ApiVectors {
 protected:
  // Text in, text out: what JSON helpers cannot send.
  std::string call(
      const std::string& method, const std::string& target, const std::string& body,
      const std::map<std::string, std::string>& headers = {}) {
    http::Request request = http_request(method, target, body);
    for (const auto& [name, value] : headers) request.headers.set(name, value);
    reply = coordinator->on_api(request, Entrance{true, "uid 0"}, wall);
    advance(2 * mapper::MapStreams::kGatherFor);
    return std::string(as_text(reply.body));
  }
  std::string set(const std::string& text, const std::string& if_match = "") {
    std::map<std::string, std::string> headers = {{"Content-Type", "application/hujson"}};
    if (!if_match.empty()) headers["If-Match"] = if_match;
    return call("POST", kAcl, text, headers);
  }
  std::string get() { return call("GET", kAcl, "", {{"Accept", "application/hujson"}}); }

  static const control::FilterRules& filter(const Machine& m) {
    return m.state.netmap.packet_filters.at("base");
  }
  void offer(Machine& m, const std::vector<const char*>& routes) {
    m.offered.clear();
    for (const char* route : routes) m.offered.push_back(*Prefix::parse(route));
    control::MapRequest lite = map_request(m);
    lite.omit_peers = true;
    EXPECT_EQ(send_map(m, lite), 200);
    advance(2 * mapper::MapStreams::kGatherFor);
  }

  Machine& one = joined("one");
  Machine& two = joined("two");
};

TEST_F(PolicyLive, KeepsEveryByteAndShowsStrictJsonToWhoAsksForIt) {
  EXPECT_THAT(get(), HasSubstr("// Who may reach whom"));
  EXPECT_EQ(set(kDenyAll, "\"ts-default\""), kDenyAll) << reply.status;
  const std::string etag(reply.headers.get("ETag"));
  EXPECT_EQ(etag.size(), 66u);
  EXPECT_EQ(get(), kDenyAll);
  EXPECT_EQ(reply.headers.get("Content-Type"), "application/hujson");
  EXPECT_EQ(call("GET", kAcl, "", {{"Accept", "application/json"}}), "{\"grants\":[]}");
  EXPECT_EQ(reply.headers.get("ETag"), etag);
  set("{}", "\"ts-default\"");
  EXPECT_EQ(reply.status, 412) << "it has been changed";
  set("{}", etag);
  EXPECT_EQ(reply.status, 200);
  set(kDenyAll, etag);
  EXPECT_EQ(reply.status, 412);
  EXPECT_THAT(set(""), HasSubstr("// Who may reach whom")) << "back to the beginning";
  set(kDenyAll, "\"ts-default\"");
  EXPECT_EQ(reply.status, 200);
}

TEST_F(PolicyLive, TakesPeersOutOfSightAndBringsThemBack) {
  advance(2 * mapper::MapStreams::kGatherFor);
  ASSERT_NE(peer(one, two), nullptr);
  EXPECT_EQ(filter(one).at(0).dst_ports.at(0).ip, "*");
  set(kDenyAll);
  EXPECT_EQ(peer(one, two), nullptr);
  EXPECT_EQ(peer(two, one), nullptr);
  EXPECT_TRUE(filter(one).empty());
  const std::string address = node(two).record.ipv4.to_text();
  set("{\"grants\": [{\"src\": [\"" + node(one).record.ipv4.to_text() + "\"], \"dst\": [\"" +
      address + "\"], \"ip\": [\"tcp:22\"]}]}");
  ASSERT_NE(peer(one, two), nullptr);
  ASSERT_NE(peer(two, one), nullptr) << "sight is mutual";
  EXPECT_TRUE(filter(one).empty());
  ASSERT_EQ(filter(two).size(), 1u);
  EXPECT_EQ(filter(two)[0].dst_ports.at(0).ip, address);
  EXPECT_THAT(filter(two)[0].ip_proto, ElementsAre(6));
  Machine& three = joined("three");
  EXPECT_EQ(peer(three, one), nullptr);
}

TEST_F(PolicyLive, SurvivesARestartAndLogsEveryVersion) {
  set(kDenyAll);
  set("{\"randomizeClientPort\": true}");
  start();
  EXPECT_EQ(get(), "{\"randomizeClientPort\": true}");
  EXPECT_EQ(poll(one), 200);
  EXPECT_TRUE(one.state.netmap.self.cap_map.contains("randomize-client-port"));
  const Json versions = api("GET", std::string(kAcl) + "/versions");
  ASSERT_EQ(versions.at("versions").size(), 2u) << versions;
  EXPECT_EQ(versions["versions"][0].at("acl"), kDenyAll);
  call("POST", std::string(kAcl) + "/versions/1/restore", "");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(get(), kDenyAll);
  call("POST", std::string(kAcl) + "/versions/9/restore", "");
  EXPECT_EQ(reply.status, 404);
}

TEST_F(PolicyLive, ApprovesRoutesByItselfWhenOfferedAndWhenTheRuleComes) {
  offer(two, {"10.77.0.0/24"});
  EXPECT_TRUE(node(two).routes.empty());
  set("{\"autoApprovers\": {\"routes\": {\"10.77.0.0/16\": [\"autogroup:member\"]}}}");
  EXPECT_THAT(node(two).routes, ElementsAre(*Prefix::parse("10.77.0.0/24")));
  offer(two, {"10.77.0.0/24", "10.77.1.0/24", "10.78.0.0/24"});
  EXPECT_EQ(node(two).routes.size(), 2u);
  EXPECT_EQ(peer(one, two)->allowed_ips->size(), 4u);
}

TEST_F(PolicyLive, TellsRulesAboutSshToThoseWhoServeIt) {
  ASSERT_TRUE(one.received.front().ssh_policy);
  EXPECT_TRUE(one.received.front().ssh_policy->rules.empty());
  one.received.clear();
  control::MapRequest lite = map_request(one);
  lite.omit_peers = true;
  lite.hostinfo->ssh_host_keys = {"ssh-ed25519 AAAA"};
  send_map(one, lite);
  advance(1s);
  ASSERT_EQ(one.received.size(), 1u);
  ASSERT_TRUE(one.received[0].ssh_policy);
  EXPECT_FALSE(one.received[0].ssh_policy->rules.empty());
}

TEST_F(PolicyLive, RefusesWhatItsTestsForbidAndLeavesTheOldOneInForce) {
  set(kDenyAll);
  const Json answer =
      Json::parse(set("{\"acls\": [], \"tests\": [{\"src\": \"alice\", \"accept\": [\"x:1\"]}]}"));
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(answer.at("message"), "test(s) failed");
  EXPECT_EQ(get(), kDenyAll);
  const Json syntax = Json::parse(set("{\n  nope\n}\n"));
  EXPECT_EQ(syntax.at("message"), "invalid policy file: want a name in quotes: line 2, column 3");
}

// Each recorded request, in the state it speaks of.
TEST_F(PolicyLive, AnswersRecordedRequests) {
  for (const char* login : {"alice@example.com", "bob@example.com"}) {
    api("POST", "/api/v2/tailnet/-/users", {{"loginName", login}, {"role", "member"}});
    EXPECT_LT(reply.status, 300) << as_text(reply.body);
  }
  const auto cases = test::vector_cases("api", "policy.json");
  std::string plain;
  for (const Json& c : cases) {
    if (c.at("name") == "policy-set-hujson") plain = c["request"]["body_text"];
  }
  // The database that one of them asks about.
  set(plain);
  api("POST", device(two) + "/tags", {{"tags", {"tag:db"}}});
  EXPECT_EQ(reply.status, 200) << as_text(reply.body);
  api("POST", device(two) + "/ip", {{"ipv4", "100.64.0.12"}});
  EXPECT_EQ(reply.status, 200) << as_text(reply.body);
  std::size_t agreed = 0;
  for (Json c : cases) {
    // Its tests contradict its rules: it shows every field there is, not a policy to live with.
    for (Json* part : {&c["request"], &c["response"]}) {
      if (part->contains("body") && (*part)["body"].contains("derpMap"))
        (*part)["body"].erase("tests");
    }
    // Two answers speak of what their requests leave out: a test that fails, a user who is missing.
    if (c.at("name") == "policy-validate-hujson-tests-fail") {
      std::string text = c["request"]["body_text"];
      text.insert(
          text.rfind('}'), R"("tests": [{"src": "alice@example.com", "accept": ["tag:prod:22"]}])");
      c["request"]["body_text"] = text;
    } else if (c.at("name") == "policy-validate-warnings") {
      std::string text = c.dump();
      for (std::size_t at = 0; (at = text.find("alice@", at)) != std::string::npos;) {
        text.replace(at, 5, "carol");
      }
      c = Json::parse(text);
    }
    SCOPED_TRACE(c.at("name").get<std::string>());
    const std::string name = c["name"], context = c.value("context", "");
    const Json& request = c.at("request");
    const Json& response = c.at("response");
    // What the answer shows is what was set before.
    set("");
    if (request.at("method") == "GET") {
      set(response.contains("body_text")     ? response["body_text"].get<std::string>()
          : response["body"].contains("acl") ? plain
                                             : response["body"].dump());
      EXPECT_EQ(reply.status, 200) << as_text(reply.body);
    } else if (context.find("untouched") == std::string::npos) {
      set(name.find("list-") != std::string::npos || name.ends_with("-list") ? plain : kDenyAll);
    }
    const std::string etag(reply.headers.get("ETag"));
    std::map<std::string, std::string> headers;
    for (const auto& [field, value] : request.at("headers").items()) {
      if (field != "Authorization") headers[field] = value;
    }
    const bool by_etag = headers.contains("If-Match") && headers["If-Match"] != "\"ts-default\"";
    if (by_etag && response.at("status") == 200) headers["If-Match"] = etag;
    std::string path = request.at("path");
    const std::string body = request.contains("body_text") ? request["body_text"].get<std::string>()
                             : request.contains("body")    ? request["body"].dump()
                                                           : "";
    const std::string got = call(request.at("method"), path, body, headers);
    EXPECT_EQ(reply.status, response.at("status").get<int>()) << got;
    EXPECT_EQ(
        reply.headers.get("Content-Type"), response["headers"]["Content-Type"].get<std::string>());
    EXPECT_EQ(reply.headers.get("ETag").empty(), !response["headers"].contains("ETag"));
    if (response.contains("body_text")) {
      if (!body.empty() || request["method"] == "GET") {
        EXPECT_EQ(got, response["body_text"].get<std::string>());
      }
    } else {
      expect_shown(response.at("body"), Json::parse(got), "body");
    }
    ++agreed;
  }
  EXPECT_EQ(agreed, cases.size());
  std::printf("[ vectors  ] policy.json: %zu of %zu replayed\n", agreed, cases.size());
}

// Only a device in the state that is asked for passes, from the moment it is in it until it is not.
TEST_F(PolicyLive, FollowsTheStateOfADevice) {
  set(R"({"postures": {"posture:team": ["custom:team == 'ops'", "custom:seats >= 3"]},
          "grants": [{"src": ["*"], "dst": ["*"], "ip": ["22"], "srcPosture": ["posture:team"]}]})");
  ASSERT_EQ(reply.status, 200) << as_text(reply.body);
  const std::string attribute = device(one) + "/attributes/custom:";
  EXPECT_TRUE(filter(two).empty());
  api("POST", attribute + "team", {{"value", "ops"}, {"expiry", "2026-02-01T09:30:00Z"}});
  advance(2 * mapper::MapStreams::kGatherFor);
  EXPECT_TRUE(filter(two).empty()) << "one of two conditions";
  api("POST", attribute + "seats", {{"value", 4}});
  advance(2 * mapper::MapStreams::kGatherFor);
  ASSERT_EQ(filter(two).size(), 1u);
  EXPECT_THAT(
      filter(two)[0].src_ips, testing::Contains(HasSubstr(node(one).record.ipv4.to_text())));
  for (const control::FilterRule& rule : filter(one)) {
    EXPECT_THAT(
        rule.src_ips, testing::Not(testing::Contains(HasSubstr(node(two).record.ipv4.to_text()))));
  }

  wall = *parse_rfc3339("2026-02-01T09:30:01Z");
  advance(std::chrono::seconds(1));
  EXPECT_TRUE(filter(two).empty()) << "its time is over";
  EXPECT_FALSE(api("GET", device(one) + "/attributes").at("attributes").contains("custom:team"));
}

}  // namespace
}  // namespace aya::serve
