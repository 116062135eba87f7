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
