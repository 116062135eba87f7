// The API as a document (interfaces 1.14) says what its endpoints really do.
#include "tests/coord-server/serve/bench.h"

namespace aya::serve {
namespace {

class ApiDocument : public Bench {
 protected:
  ApiDocument() : document(api("GET", "/api/v2/openapi.json")) {}

  const Json& answers(const std::string& path, const char* method) {
    return document.at("paths").at(path).at(method).at("responses");
  }
  Json document;
};

TEST_F(ApiDocument, NamesTheFormOfEveryAnswer) {
  const auto form = [&](const std::string& path) {
    return answers(path, "get").at("200").at("content").items().begin().key();
  };
  EXPECT_EQ(form("/api/v2/tailnet/{tailnet}/devices"), "application/json");
  EXPECT_EQ(form("/api/v2/docs"), "text/html");
  EXPECT_EQ(form("/api/v2/tailnet/{tailnet}/events"), "text/event-stream");
}

TEST_F(ApiDocument, NamesTheRefusalsOfOAuth) {
  for (const std::string path : {"/api/v2/oauth/token", "/api/v2/oauth/token-exchange"}) {
    const Json& refused = answers(path, "post").at("default").at("content").at("application/json");
    const std::string schema = refused.at("schema").at("$ref");
    EXPECT_EQ(schema, "#/components/schemas/OAuthError");
    const Json refusal = api("POST", path, Json::object());
    EXPECT_GE(reply.status, 400);
    for (const Json& name : document["components"]["schemas"]["OAuthError"]["required"]) {
      EXPECT_TRUE(refusal.contains(name.get<std::string>())) << refusal;
    }
  }
}

// A word that is said to be required is missed, by name.
TEST_F(ApiDocument, NamesTheQueriesThatAreRead) {
  std::size_t tried = 0;
  for (const auto& [path, methods] : document.at("paths").items()) {
    for (const auto& [method, operation] : methods.items()) {
      for (const Json& parameter : operation.at("parameters")) {
        if (parameter.at("in") != "query" || parameter.at("required") != true) continue;
        std::string target = path;
        if (const auto at = target.find("{tailnet}"); at != std::string::npos) {
          target.replace(at, 9, "-");
        }
        ASSERT_EQ(target.find('{'), std::string::npos);
        std::string query;
        for (const Json& other : operation.at("parameters")) {
          if (other.at("in") != "query" || other == parameter) continue;
          const std::string name = other.at("name");
          const char* value = name == "port"   ? "1"
                              : name == "type" ? "user"
                                               : "2026-01-01T00:00:00Z";
          if (name != "proto") query += (query.empty() ? "?" : "&") + name + '=' + value;
        }
        std::string verb = method;
        for (char& ch : verb) ch = static_cast<char>(std::toupper(ch));
        const Json refusal = api(verb, target + query, Json());
        EXPECT_EQ(reply.status, 400) << verb << ' ' << target << query;
        const std::string name = parameter.at("name"), message = refusal.at("message");
        EXPECT_NE(message.find(name), std::string::npos) << message << " does not name " << name;
        ++tried;
      }
    }
  }
  EXPECT_GE(tried, 9U);
}

TEST_F(ApiDocument, NamesEveryFilterOfDevices) {
  const std::string path = "/api/v2/tailnet/-/devices?";
  const Json& list = document.at("paths").at("/api/v2/tailnet/{tailnet}/devices").at("get");
  std::size_t tried = 0;
  for (const Json& parameter : list.at("parameters")) {
    if (parameter.at("in") != "query") continue;
    const std::string name = parameter.at("name");
    api("GET", path + name + (name == "fields" ? "=all" : "=x"));
    EXPECT_EQ(reply.status, 200) << name;
    ++tried;
  }
  EXPECT_EQ(tried, 28U);
  api("GET", path + "colour=x");
  EXPECT_EQ(reply.status, 400);
}

TEST_F(ApiDocument, NamesThemForPeopleToo) {
  const http::Response answer = coordinator->on_api(
      http_request("GET", "/api/v2/docs", ""), Entrance{false, "", "192.0.2.1"}, wall);
  const std::string_view page = as_text(answer.body);
  const std::string path = "<code>/tailnet/*/logging/network</code>";
  EXPECT_THAT(page, testing::HasSubstr(path + " ?<b>start</b> &amp;<b>end</b> &amp;node<td>"));
  EXPECT_THAT(page, testing::HasSubstr("<code>/tailnet/*/dns/records</code><td>"));
}

TEST_F(ApiDocument, NamesTheFormOfEveryBody) {
  const Json schema = {{"schema", Json::object()}};
  const auto forms = [&](const std::string& path) {
    return document.at("paths").at(path).at("post").at("requestBody").at("content");
  };
  EXPECT_EQ(forms("/api/v2/tailnet/{tailnet}/keys"), Json({{"application/json", schema}}));
  EXPECT_EQ(
      forms("/api/v2/tailnet/{tailnet}/acl"),
      Json({{"application/json", schema}, {"application/hujson", schema}}));
  EXPECT_EQ(
      forms("/api/v2/oauth/token"), Json({{"application/x-www-form-urlencoded", schema}}));
  const Json& read = document.at("paths").at("/api/v2/tailnet/{tailnet}/acl").at("get");
  EXPECT_FALSE(read.contains("requestBody"));
}

TEST_F(ApiDocument, AMethodThatIsNotThereIsRefusedAsSuch) {
  Machine& a = joined("a");
  api("TRACE", device(a) + "/device-invites");
  EXPECT_EQ(reply.status, 405);
}

TEST_F(ApiDocument, IdsOfUsersAreNames) {
  const Json users = api("GET", "/api/v2/tailnet/-/users").at("users");
  ASSERT_FALSE(users.empty());
  const std::string id = users[0].at("id");
  EXPECT_EQ(id.substr(0, 1), "u") << "a program may call something after it";
  EXPECT_EQ(api("GET", "/api/v2/users/" + id), users[0]);
}

}  // namespace
}  // namespace aya::serve
