// SSH sessions that a person confirms in a browser (control 4.6).
#include "tests/coord-server/serve/bench.h"

namespace aya::serve {
namespace {

using control::SshAction;

// What a browser does with cookies and forms; nothing of what it shows.
struct Browser {
  std::map<std::string, std::string> cookies;
  std::string html;
};

class SshCheck : public Bench {
 protected:
  SshCheck() {
    link = api("POST", "/api/v2/users/" + user_id("alice") + "/link").at("url");
    set_period("\"checkPeriod\": \"1h\",");
  }

  std::string user_id(const std::string& login) {
    const Json users = api("GET", "/api/v2/tailnet/-/users");
    for (const Json& user : users.at("users")) {
      if (user["loginName"] == login) return user["id"];
    }
    return "";
  }
  void set_period(const std::string& period, const std::string& action = "check") {
    api_text(
        "POST", "/api/v2/tailnet/-/acl",
        R"({"grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"]}],
            "ssh": [{"action": ")" +
            action + R"(", )" + period +
            R"("src": ["autogroup:member"], "dst": ["autogroup:self"], "users": ["root"]}]})");
    ASSERT_EQ(reply.status, 200) << as_text(reply.body);
  }

  std::string url(const Machine& from, const Machine& to, const std::string& user = "root") {
    return "/machine/ssh/action/" + std::to_string(node(from).id().value) + "/to/" +
           std::to_string(node(to).id().value) + "?local_user=" + user;
  }
  // As the client fills it in.
  static std::string filled(std::string delegate) {
    const std::string name = "$LOCAL_USER";
    delegate.replace(delegate.find(name), name.size(), "root");
    return delegate.substr(std::string("https://unused").size());
  }
  MachineAnswer get(const Machine& by, const std::string& target) {
    Coordinator::Effects effects;
    auto answer = coordinator->on_machine(
        http_request("GET", target, ""), by.machine, mapper::StreamId{++last_stream}, now, wall,
        effects);
    pump();
    return answer;
  }
  SshAction action_of(const MachineAnswer& answer) {
    EXPECT_FALSE(answer.waiting);
    EXPECT_EQ(answer.response.status, 200);
    auto action = control::decode<SshAction>(as_text(answer.response.body));
    EXPECT_TRUE(action);
    return action ? *action : SshAction{};
  }
  std::optional<SshAction> answer_to(mapper::StreamId waiting) {
    const auto found = late_bodies.find(waiting);
    if (found == late_bodies.end()) return std::nullopt;
    return *control::decode<SshAction>(found->second);
  }
  static std::string page_of(const SshAction& action) {
    const std::size_t at = action.message.find("/ssh/");
    return action.message.substr(at, action.message.find('\n', at) - at);
  }

  http::Response browse(
      Browser& browser, const std::string& method, const std::string& path,
      const std::string& body = "") {
    http::Request request = http_request(method, path, body);
    std::string cookies;
    for (const auto& [name, value] : browser.cookies) cookies += name + '=' + value + "; ";
    request.headers.set("Cookie", cookies);
    http::Response answer =
        coordinator->on_page(request, *IpAddress::parse("198.51.100.7"), wall).page;
    for (const auto& [name, value] : answer.headers) {
      if (name != "Set-Cookie") continue;
      const std::size_t equals = value.find('=');
      browser.cookies[value.substr(0, equals)] =
          value.substr(equals + 1, value.find(';') - equals - 1);
    }
    browser.html = as_text(answer.body);
    pump();
    return answer;
  }
  static std::string token_of(const Browser& browser) {
    const std::string mark = "name=\"form\" value=\"";
    const std::size_t at = browser.html.find(mark);
    if (at == std::string::npos) return "none";
    return browser.html.substr(at + mark.size(), 64);
  }
  void sign_in(Browser& browser, const std::string& by) {
    const std::string path = by.substr(std::string("https://coord.test").size());
    browse(browser, "GET", path);
    EXPECT_EQ(browse(browser, "POST", path, "form=" + token_of(browser)).status, 303);
  }
  int decide(Browser& browser, const std::string& page, const std::string& decision) {
    browse(browser, "GET", page);
    return browse(browser, "POST", page, "form=" + token_of(browser) + "&decision=" + decision)
        .status;
  }

  std::string link;
};

TEST_F(SshCheck, APersonLetsASessionBeginAndIsNotAskedAgainForAWhile) {
  Machine& from = joined("laptop");
  Machine& to = joined("server");
  Browser browser;
  sign_in(browser, link);
  const SshAction asked = action_of(get(to, url(from, to)));
  EXPECT_FALSE(asked.accept || asked.reject);
  EXPECT_THAT(asked.message, testing::HasSubstr("https://coord.test/ssh/"));
  EXPECT_THAT(asked.hold_and_delegate, testing::StartsWith("https://unused/machine/ssh/action/"));
  const auto waits = get(to, filled(asked.hold_and_delegate));
  ASSERT_TRUE(waits.waiting);
  const mapper::StreamId waiting{last_stream};
  advance(1min);
  EXPECT_FALSE(answer_to(waiting));

  const std::string page = page_of(asked);
  EXPECT_EQ(browse(browser, "GET", page).status, 200);
  EXPECT_THAT(browser.html, testing::HasSubstr("laptop.default.mesh.test"));
  EXPECT_EQ(browse(browser, "POST", page, "decision=approve").status, 403) << "no form of ours";
  EXPECT_FALSE(answer_to(waiting));
  EXPECT_EQ(decide(browser, page, "approve"), 200);
  ASSERT_TRUE(answer_to(waiting));
  EXPECT_TRUE(answer_to(waiting)->accept);
  EXPECT_TRUE(answer_to(waiting)->allow_agent_forwarding);
  EXPECT_EQ(browse(browser, "GET", page).status, 404) << "decided";
  const auto log = storage->audit_log(node(to).account(), {}, 1);
  ASSERT_TRUE(log && log->size() == 1u);
  EXPECT_EQ(log->front().action + ' ' + log->front().property, "APPROVE SSH_CHECK");
  EXPECT_EQ(log->front().details, "from laptop.default.mesh.test as root");

  EXPECT_TRUE(action_of(get(to, filled(asked.hold_and_delegate))).accept) << "the answer got lost";
  EXPECT_TRUE(action_of(get(to, url(from, to))).accept);
  EXPECT_FALSE(action_of(get(from, url(to, from))).accept) << "the other way round";
  advance(61min);
  EXPECT_FALSE(action_of(get(to, url(from, to))).accept) << "the period is over";
}

TEST_F(SshCheck, OnlyTheNodeThatIsCalledMayAsk) {
  Machine& from = joined("laptop");
  Machine& to = joined("server");
  Machine& other = joined("other");
  const SshAction asked = action_of(get(to, url(from, to)));
  for (const Machine* m : {&from, &other}) {
    EXPECT_EQ(get(*m, url(from, to)).response.status, 404);
    EXPECT_EQ(get(*m, filled(asked.hold_and_delegate)).response.status, 404);
  }
  EXPECT_EQ(get(to, "/machine/ssh/action/1/to/x?local_user=root").response.status, 400);
  EXPECT_EQ(get(to, url(from, to, "")).response.status, 400);
  EXPECT_TRUE(action_of(get(to, url(from, to, "nobody"))).reject) << "no rule speaks of it";
  // The place of one pair is nothing to another.
  std::string mixed = filled(asked.hold_and_delegate);
  mixed = url(from, other) + mixed.substr(mixed.find("&check="));
  const SshAction again = action_of(get(other, mixed));
  EXPECT_NE(page_of(again), page_of(asked));
}

TEST_F(SshCheck, NobodyElseCanConfirmIt) {
  Machine& from = joined("laptop");
  Machine& to = joined("server");
  api("POST", "/api/v2/tailnet/-/users", {{"loginName", "bob"}});
  const std::string bobs = api("POST", "/api/v2/users/" + user_id("bob") + "/link").at("url");
  const SshAction asked = action_of(get(to, url(from, to)));
  const std::string page = page_of(asked);
  Browser stranger, bob;
  EXPECT_EQ(browse(stranger, "GET", page).status, 303);
  sign_in(bob, bobs);
  EXPECT_EQ(browse(bob, "GET", page).status, 403);
  browse(bob, "GET", "/account");
  EXPECT_EQ(
      browse(bob, "POST", page, "form=" + token_of(bob) + "&decision=approve").status, 403);
  get(to, filled(asked.hold_and_delegate));
  advance(1s);
  EXPECT_FALSE(answer_to(mapper::StreamId{last_stream}));
}

TEST_F(SshCheck, ARefusalAndSilenceBothEndIt) {
  Machine& from = joined("laptop");
  Machine& to = joined("server");
  Browser browser;
  sign_in(browser, link);
  const SshAction first = action_of(get(to, url(from, to)));
  get(to, filled(first.hold_and_delegate));
  const mapper::StreamId refused{last_stream};
  EXPECT_EQ(decide(browser, page_of(first), "refuse"), 200);
  ASSERT_TRUE(answer_to(refused));
  EXPECT_TRUE(answer_to(refused)->reject);

  const SshAction second = action_of(get(to, url(from, to)));
  get(to, filled(second.hold_and_delegate));
  const mapper::StreamId gone{last_stream};
  coordinator->stream_closed(gone, now);
  get(to, filled(second.hold_and_delegate));
  const mapper::StreamId forgotten{last_stream};
  advance(16min);
  EXPECT_FALSE(answer_to(gone));
  ASSERT_TRUE(answer_to(forgotten));
  EXPECT_TRUE(answer_to(forgotten)->reject);
  EXPECT_THAT(answer_to(forgotten)->message, testing::HasSubstr("in time"));
}

TEST_F(SshCheck, AlwaysMeansASignInForEverySession) {
  set_period("\"checkPeriod\": \"always\",");
  Machine& from = joined("laptop");
  Machine& to = joined("server");
  Browser browser;
  sign_in(browser, link);
  advance(1min);
  const SshAction asked = action_of(get(to, url(from, to)));
  get(to, filled(asked.hold_and_delegate));
  const mapper::StreamId waiting{last_stream};
  EXPECT_EQ(decide(browser, page_of(asked), "approve"), 200);
  EXPECT_THAT(browser.html, testing::HasSubstr("sign in anew"));
  EXPECT_FALSE(answer_to(waiting));
  EXPECT_EQ(decide(browser, page_of(asked), "again"), 303);
  EXPECT_EQ(browse(browser, "GET", page_of(asked)).status, 303) << "signed out";
  sign_in(browser, api("POST", "/api/v2/users/" + user_id("alice") + "/link").at("url"));
  EXPECT_EQ(decide(browser, page_of(asked), "approve"), 200);
  ASSERT_TRUE(answer_to(waiting));
  EXPECT_TRUE(answer_to(waiting)->accept);
  EXPECT_FALSE(action_of(get(to, url(from, to))).accept);
}

TEST_F(SshCheck, AfterARestartThereIsANewPage) {
  Machine& from = joined("laptop");
  Machine& to = joined("server");
  const SshAction asked = action_of(get(to, url(from, to)));
  start();
  const SshAction again = action_of(get(to, filled(asked.hold_and_delegate)));
  EXPECT_FALSE(again.accept || again.reject);
  EXPECT_NE(page_of(again), page_of(asked));
}

TEST_F(SshCheck, APolicyThatChangesMeanwhileHasTheLastWord) {
  Machine& from = joined("laptop");
  Machine& to = joined("server");
  Browser browser;
  sign_in(browser, link);
  const SshAction asked = action_of(get(to, url(from, to)));
  get(to, filled(asked.hold_and_delegate));
  const mapper::StreamId waiting{last_stream};
  set_period("", "accept");
  EXPECT_EQ(decide(browser, page_of(asked), "approve"), 200);
  ASSERT_TRUE(answer_to(waiting));
  EXPECT_TRUE(answer_to(waiting)->reject);
}

TEST_F(SshCheck, ManySessionsOfOneNodeCostABoundedAmount) {
  Machine& from = joined("laptop");
  Machine& to = joined("server");
  const SshAction first = action_of(get(to, url(from, to)));
  get(to, filled(first.hold_and_delegate));
  const mapper::StreamId waiting{last_stream};
  for (std::size_t i = 0; i < ssh_check::SshChecks::kMostOfNode; ++i) {
    wall += 1s;
    get(to, url(from, to));
  }
  ASSERT_TRUE(answer_to(waiting));
  EXPECT_TRUE(answer_to(waiting)->reject);
}

}  // namespace
}  // namespace aya::serve
