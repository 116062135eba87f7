// Invitations of people, by REST and by the page that their link leads to.
#include "tests/coord-server/serve/bench.h"

namespace aya::serve {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kPath = "/api/v2/tailnet/-/user-invites";

class Invitations : public Bench {
 protected:
  Json invite(Json wish = {{"role", "admin"}}, const std::string& query = "") {
    const Json made = api("POST", kPath + query, Json::array({std::move(wish)}));
    EXPECT_EQ(reply.status, 200) << made;
    return made.at(0);
  }
  static std::string path_of(const Json& invite) {
    const std::string url = invite.at("inviteUrl");
    return url.substr(std::string("https://coord.test").size());
  }
  http::Response page(http::Request request) {
    auto answer = coordinator->on_page(request, *IpAddress::parse("192.0.2.1"), wall);
    while (answer.errand) {
      passwords.push_back(std::get<pages::PasswordWork>(answer.errand->work).password);
      const auto then = answer.errand->then;
      if (between) between();
      answer = then({true, "hash of it", {}, {}}, wall);
    }
    pump();
    return answer.page;
  }
  http::Response open(const std::string& path) { return page(http_request("GET", path, "")); }
  // Fills in the form there.
  http::Response join(
      const std::string& path, const std::string& user, const std::string& password) {
    const http::Response shown = open(path);
    const std::string text(as_text(shown.body));
    const std::string cookie(shown.headers.get("Set-Cookie"));
    const auto token_at = text.find("name=\"form\" value=\"");
    EXPECT_NE(token_at, std::string::npos) << text;
    const std::string token = text.substr(token_at + 19, text.find('"', token_at + 19) - token_at - 19);
    http::Request request =
        http_request("POST", path, "form=" + token + "&user=" + user + "&password=" + password);
    request.headers.set("Cookie", cookie.substr(0, cookie.find(';')));
    request.headers.set("Origin", "https://coord.test");
    return page(request);
  }
  const store::User* user(const char* login) {
    return coordinator->registry().user_named(
        coordinator->registry().accounts().begin()->first, login);
  }

  std::vector<std::string> passwords;
  std::function<void()> between;  // while a password is being worked on
};

TEST_F(Invitations, MakeAUserOfWhoeverFollowsThem) {
  const Json made = invite({{"role", "admin"}, {"email", "dora@example.com"}});
  EXPECT_THAT(std::string(as_text(open(path_of(made)).body)), HasSubstr("dora@example.com"));
  start();  // links outlive a restart
  const http::Response in = join(path_of(made), "dora", "ein ganz neues Wort");
  EXPECT_EQ(in.status, 303) << as_text(in.body);
  EXPECT_EQ(in.headers.get("Location"), "/account");
  EXPECT_THAT(std::string(in.headers.get("Set-Cookie")), HasSubstr("__Host-ayatori="));
  ASSERT_NE(user("dora"), nullptr);
  EXPECT_EQ(user("dora")->role, "admin");
  EXPECT_EQ(user("dora")->status, "active");
  EXPECT_EQ(passwords, std::vector<std::string>{"ein ganz neues Wort"});
  EXPECT_EQ(storage->credentials(user("dora")->id)->password, "hash of it");
  EXPECT_THAT(api("GET", kPath), IsEmpty());
  EXPECT_EQ(open(path_of(made)).status, 404) << "good for one";
}

TEST_F(Invitations, AreGoodForOneEvenAtTheSameMoment) {
  const Json made = invite();
  between = [&] {
    between = nullptr;
    EXPECT_EQ(join(path_of(made), "first", "ein ganz neues Wort").status, 303);
  };
  EXPECT_EQ(join(path_of(made), "second", "ein ganz neues Wort").status, 404);
  EXPECT_NE(user("first"), nullptr);
  EXPECT_EQ(user("second"), nullptr);
}

TEST_F(Invitations, StayWhereTheFormWasNotRight) {
  const Json made = invite();
  struct Case {
    const char* user;
    const char* password;
    int status;
  };
  for (const Case& c : {Case{"", "ein ganz neues Wort", 400}, {"a%20b", "ein ganz neues Wort", 400},
                        {"dora", "kurz", 400}, {"alice", "ein ganz neues Wort", 409}}) {
    EXPECT_EQ(join(path_of(made), c.user, c.password).status, c.status) << c.user;
  }
  http::Request forged = http_request("POST", path_of(made), "user=dora&password=ein+neues+Wort");
  EXPECT_EQ(page(forged).status, 403);
  EXPECT_EQ(join(path_of(made), "dora", "ein ganz neues Wort").status, 303);
}

TEST_F(Invitations, EndByTimeAndByBeingTakenBack) {
  const Json first = invite(), second = invite();
  api("DELETE", "/api/v2/user-invites/" + first.at("id").get<std::string>());
  EXPECT_EQ(open(path_of(first)).status, 404);
  EXPECT_EQ(open(path_of(second)).status, 200);
  advance(people::Invitations::kLasts);
  EXPECT_EQ(open(path_of(second)).status, 404);
  api("GET", "/api/v2/user-invites/" + second.at("id").get<std::string>());
  EXPECT_EQ(reply.status, 404);
}

TEST_F(Invitations, AreOfOneNetwork) {
  api("POST", "/api/v2/accounts", {{"name", "lab"}, {"owner", "dora"}});
  const Json theirs = invite(Json::object(), "?account=lab");
  EXPECT_THAT(api("GET", kPath), IsEmpty());
  const Json key = api("POST", "/api/v2/tailnet/-/keys", {{"keyType", "api"}});
  authorization = "Bearer " + key.at("key").get<std::string>();
  api("DELETE", "/api/v2/user-invites/" + theirs.at("id").get<std::string>());
  EXPECT_EQ(reply.status, 404);
}

TEST_F(Invitations, RefuseWhatMakesNoSense) {
  api("POST", kPath, Json::array({{{"role", "king"}}}));
  EXPECT_EQ(reply.status, 400);
  api("POST", kPath, {{"role", "member"}});
  EXPECT_EQ(reply.status, 400);
  Json many = Json::array();
  for (std::size_t i = 0; i <= people::Invitations::kMostOfAccount; ++i) many.push_back(Json::object());
  api("POST", kPath, many);
  EXPECT_EQ(reply.status, 409);
}

}  // namespace
}  // namespace aya::serve
