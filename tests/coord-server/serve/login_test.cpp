// Machines that wait for a person (control 4.3, 9.2, 9.4).
#include "tests/coord-server/serve/bench.h"

namespace aya::serve {
namespace {

class Login : public Bench {
 protected:
  std::string url_for(const Machine& m) {
    const auto answer = send_register(m, register_request(m, ""));
    EXPECT_EQ(answer.error, "");
    EXPECT_FALSE(answer.node_key_expired);
    return answer.auth_url;
  }
  Json pending() { return api("GET", "/api/v2/tailnet/-/registrations").at("registrations"); }
  std::string code() { return pending().at(0).at("code"); }
  Json approve(const std::string& which, const Json& body = Json::object()) {
    return api("POST", "/api/v2/tailnet/-/registrations/" + which + "/approve", body);
  }
  std::optional<control::RegisterResponse> answer_to(mapper::StreamId waiting) {
    const auto found = late_answers.find(waiting);
    if (found == late_answers.end()) return std::nullopt;
    return found->second;
  }
};

TEST_F(Login, AMachineWithoutAKeyGetsAPageAndWaitsUntilItIsApproved) {
  Machine& m = machine("alpha");
  const std::string url = url_for(m);
  EXPECT_THAT(url, testing::MatchesRegex("https://coord.test/a/[0-9a-f]+"));
  const auto waiting = follow(m, url);
  advance(20min);
  EXPECT_FALSE(answer_to(waiting));
  EXPECT_EQ(coordinator->registry().size(), 0u);

  const Json device = approve(code());
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(device["hostname"], "alpha");
  const auto answer = answer_to(waiting);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->auth_url, "");
  EXPECT_EQ(answer->error, "");
  EXPECT_TRUE(answer->machine_authorized);
  EXPECT_EQ(answer->login.login_name, "alice");
  EXPECT_EQ(answer->user.id, node(m).record.user);
  EXPECT_EQ(poll(m), 200);
  EXPECT_EQ(pending().size(), 0u);
}

TEST_F(Login, AskingAgainLeadsToTheSamePage) {
  Machine& m = machine("alpha");
  const std::string url = url_for(m);
  EXPECT_EQ(url_for(m), url);
  EXPECT_EQ(pending().size(), 1u);
}

TEST_F(Login, TheOwnerMayBeChosenAndTheCodeTypedAsPeopleDo) {
  Machine& m = machine("alpha");
  url_for(m);
  api("POST", "/api/v2/tailnet/-/users", {{"loginName", "bob"}});
  std::string typed = code();
  std::erase(typed, '-');
  std::ranges::transform(typed, typed.begin(), [](unsigned char c) { return std::tolower(c); });
  EXPECT_EQ(approve(typed, {{"user", "nobody"}}).at("status"), 400);
  EXPECT_EQ(approve(typed, {{"user", "bob"}}).at("user"), "bob");
}

TEST_F(Login, ARejectedMachineIsToldSoHoweverOftenItAsks) {
  Machine& m = machine("alpha");
  const std::string url = url_for(m);
  const auto waiting = follow(m, url);
  api("POST", "/api/v2/tailnet/-/registrations/" + code() + "/reject");
  ASSERT_TRUE(answer_to(waiting));
  EXPECT_THAT(answer_to(waiting)->error, testing::HasSubstr("rejected"));
  control::RegisterRequest again = register_request(m, "");
  again.followup = url;
  EXPECT_THAT(send_register(m, again).error, testing::HasSubstr("rejected"));
  EXPECT_EQ(pending().size(), 0u);
  wall += 1s;
  EXPECT_NE(url_for(m), url) << "a person started over";
}

TEST_F(Login, AWaitingMachineHasItsPlaceAgainAfterARestart) {
  Machine& m = machine("alpha");
  const std::string url = url_for(m);
  const std::string before = code();
  start();
  EXPECT_EQ(pending().size(), 0u);
  const auto waiting = follow(m, url);
  EXPECT_EQ(code(), before);
  approve(before);
  ASSERT_TRUE(answer_to(waiting));
  EXPECT_EQ(answer_to(waiting)->error, "");
}

TEST_F(Login, AnotherMachineCannotWaitAtThatUrl) {
  Machine& m = machine("alpha");
  const std::string url = url_for(m);
  Machine& thief = machine("thief");
  control::RegisterRequest request = register_request(thief, "");
  request.followup = url;
  const auto answer = send_register(thief, request);
  EXPECT_NE(answer.auth_url, "");
  EXPECT_NE(answer.auth_url, url);
}

TEST_F(Login, WhoWaitsTooLongGetsAnotherUrl) {
  Machine& m = machine("alpha");
  const std::string url = url_for(m);
  const auto waiting = follow(m, url);
  advance(61min);
  ASSERT_TRUE(answer_to(waiting));
  EXPECT_NE(answer_to(waiting)->auth_url, "");
  EXPECT_NE(answer_to(waiting)->auth_url, url);
  const auto longer = follow(m, answer_to(waiting)->auth_url);
  approve(code());
  EXPECT_TRUE(answer_to(longer));
}

TEST_F(Login, TwoRequestsOfOneMachineBothHearOfIt) {
  Machine& m = machine("alpha");
  const std::string url = url_for(m);
  const auto first = follow(m, url);
  const auto second = follow(m, url);
  coordinator->stream_closed(first, now);  // T-40: a proxy cut the first
  approve(code());
  EXPECT_FALSE(answer_to(first));
  EXPECT_TRUE(answer_to(second));
}

TEST_F(Login, AnExpiredNodeComesBackAsItselfByThePage) {
  Machine& m = joined("alpha");
  const store::NodeRecord before = node(m).record;
  api("POST", device(m) + "/expire");
  EXPECT_TRUE(send_register(m, register_request(m, "")).node_key_expired);
  control::RegisterRequest request = register_request(m, "");
  request.old_node_key = m.key;
  request.node_key = m.key = NodePrivateKey::generate(rng).public_key();
  const std::string url = send_register(m, request).auth_url;
  const auto waiting = follow(m, url);
  approve(code());
  ASSERT_TRUE(answer_to(waiting));
  const store::NodeRecord& after = node(m).record;
  EXPECT_EQ(after.id, before.id);
  EXPECT_EQ(after.ipv4, before.ipv4);
  EXPECT_EQ(after.key_expiry, wall + std::chrono::days(180));
}

TEST_F(Login, TheOldKeyGoesOnUntilTheNewOneIsApproved) {  // 9.4, seamless renewal
  Machine& m = joined("alpha");
  const NodePublicKey old = m.key;
  control::RegisterRequest request = register_request(m, "");
  request.old_node_key = old;
  request.node_key = NodePrivateKey::generate(rng).public_key();
  EXPECT_NE(send_register(m, request).auth_url, "");
  EXPECT_EQ(poll(m), 200) << "with the old key";
  approve(code());
  m.key = request.node_key;
  EXPECT_EQ(poll(m), 200);
  EXPECT_EQ(coordinator->registry().find(old), nullptr);
}

TEST_F(Login, ADeletedNodeIsAStranger) {  // 9.9
  Machine& m = joined("alpha");
  api("DELETE", device(m));
  EXPECT_NE(send_register(m, register_request(m, "")).auth_url, "");
}

TEST_F(Login, AMachineThatRequiresAnotherNetworkIsNotLetIn) {
  Machine& m = machine("alpha");
  control::RegisterRequest request = register_request(m, "");
  request.tailnet = "required:elsewhere";
  send_register(m, request);
  approve(code());
  EXPECT_EQ(reply.status, 409);
  EXPECT_EQ(coordinator->registry().size(), 0u);
}

TEST_F(Login, ThePageShowsTheCodeAndNothingThatANameSmugglesIn) {
  Machine& m = machine("<script>alert('x')</script>");
  const std::string url = url_for(m);
  const std::string path = url.substr(std::string("https://coord.test").size());
  const IpAddress from = *IpAddress::parse("198.51.100.7");
  const auto shown = coordinator->on_page(http_request("GET", path, ""), from, wall).page;
  const std::string html(as_text(shown.body));
  EXPECT_THAT(html, testing::HasSubstr(code()));
  EXPECT_THAT(html, testing::Not(testing::HasSubstr("<script")));
  EXPECT_THAT(
      std::string(shown.headers.get("Content-Security-Policy")),
      testing::HasSubstr("default-src 'none'"));
  EXPECT_EQ(coordinator->on_page(http_request("GET", path + "0", ""), from, wall).page.status, 404);
}

TEST_F(Login, WhoIsNotApprovedMeetsNobody) {
  Machine& a = joined("alpha");
  Machine& b = joined("beta");
  advance(1s);
  ASSERT_NE(peer(a, b), nullptr);
  api("POST", device(b) + "/authorized", {{"authorized", false}});
  advance(1s);
  EXPECT_EQ(peer(a, b), nullptr);
  EXPECT_FALSE(b.state.netmap.self.machine_authorized);
  EXPECT_TRUE(b.state.netmap.peers.empty());
  api("POST", device(b) + "/authorized", {{"authorized", true}});
  advance(1s);
  EXPECT_NE(peer(a, b), nullptr);
  EXPECT_NE(peer(b, a), nullptr);
}

}  // namespace
}  // namespace aya::serve
