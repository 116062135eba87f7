// Tokens by which nodes prove who they are (control 4.2), read by the code that reads those of other
// providers.
#include "coord-server/oidc/keys.h"
#include "proto/base/base64.h"
#include "tests/coord-server/serve/bench.h"

namespace aya::serve {
namespace {

class IdToken : public Bench {
 protected:
  struct Token {
    Json header, claims;
    std::string text;
    Buffer signature;
  };
  static Json json_of(std::string_view part) {
    const auto bytes = parse_base64url(part);
    return bytes ? Json::parse(as_text(*bytes), nullptr, false) : Json();
  }
  int ask(const Machine& m, const std::string& audience) {
    const Json body = {
        {"CapVersion", 116}, {"NodeKey", m.key.to_text()}, {"Audience", audience}};
    const auto answer = send(m, "/machine/id-token", body.dump());
    last = std::string(as_text(answer.response.body));
    return answer.response.status;
  }
  Token token(const Machine& m, const std::string& audience = "vault.example") {
    EXPECT_EQ(ask(m, audience), 200) << last;
    const std::string jwt = Json::parse(last).at("id_token");
    const std::size_t first = jwt.find('.'), second = jwt.find('.', first + 1);
    Token out{json_of(jwt.substr(0, first)), json_of(jwt.substr(first + 1, second - first - 1)),
              jwt.substr(0, second), *parse_base64url(jwt.substr(second + 1))};
    return out;
  }
  Json read(const std::string& path) {
    const auto answer =
        coordinator->on_page(http_request("GET", path, ""), *IpAddress::parse("192.0.2.9"), wall);
    EXPECT_EQ(answer.page.status, 200);
    return Json::parse(as_text(answer.page.body), nullptr, false);
  }
  Json key_set() {
    const std::string url = read("/.well-known/openid-configuration").at("jwks_uri");
    EXPECT_TRUE(url.starts_with("https://coord.test/"));
    return read(url.substr(std::string("https://coord.test").size()));
  }
  static bool verifies(const Token& token, const Json& set) {
    for (const oidc::Key& key : oidc::parse_key_set(set.dump())) {
      if (key.name() == token.header.at("kid") && key.fits(oidc::Algorithm::Rs256)) {
        return key.verify(oidc::Algorithm::Rs256, as_bytes(token.text), token.signature);
      }
    }
    return false;
  }
  std::string last;
};

TEST_F(IdToken, SaysWhichNodeAskedForIt) {
  Machine& m = joined("alpha");
  const Token made = token(m);
  EXPECT_TRUE(verifies(made, key_set()));
  EXPECT_EQ(made.header["alg"], "RS256");
  const store::NodeRecord& record = node(m).record;
  const Json& claims = made.claims;
  EXPECT_EQ(claims["iss"], "https://coord.test");
  EXPECT_EQ(claims["aud"], "vault.example");
  EXPECT_EQ(claims["sub"], record.stable_id);
  EXPECT_EQ(claims["key"], m.key.to_text());
  EXPECT_EQ(claims["nid"], record.id.value);
  EXPECT_EQ(claims["node"], "alpha.default.mesh.test");
  EXPECT_EQ(claims["domain"], "default.mesh.test");
  EXPECT_EQ(claims["user"], "alice");
  EXPECT_EQ(claims["uid"], record.user.value);
  EXPECT_EQ(claims["addresses"][0], record.ipv4.to_text() + "/32");
  EXPECT_EQ(claims["exp"].get<int>() - claims["iat"].get<int>(), 300);
  EXPECT_FALSE(claims.contains("tags"));
  EXPECT_NE(token(m).claims["jti"], claims["jti"]);
}

TEST_F(IdToken, ATaggedNodeHasNoPerson) {
  Machine& m = joined("alpha");
  api("POST", device(m) + "/tags", {{"tags", {"tag:web"}}});
  const Json claims = token(m).claims;
  EXPECT_EQ(claims["tags"], Json({"tag:web"}));
  EXPECT_FALSE(claims.contains("user") || claims.contains("uid"));
}

TEST_F(IdToken, IsRefusedWhereAnythingIsInDoubt) {
  Machine& m = joined("alpha");
  Machine& other = joined("beta");
  EXPECT_EQ(ask(m, ""), 400);
  EXPECT_EQ(ask(m, std::string(600, 'x')), 400);
  const Json stolen = {{"NodeKey", m.key.to_text()}, {"Audience", "x"}};
  EXPECT_EQ(send(other, "/machine/id-token", stolen.dump()).response.status, 404);
  api("POST", device(other) + "/authorized", {{"authorized", false}});
  EXPECT_EQ(ask(other, "x"), 403);
  api("POST", device(m) + "/expire");
  EXPECT_EQ(ask(m, "x"), 403);
  api("POST", "/api/v2/tailnet/-/users", {{"loginName", "bob"}});
  Machine& bobs = joined("gamma");
  const Json users = api("GET", "/api/v2/tailnet/-/users").at("users");
  for (const Json& user : users) {
    if (user["loginName"] != "bob") continue;
    api("POST", device(bobs) + "/owner", {{"user", "bob"}});
    EXPECT_EQ(ask(bobs, "x"), 200);
    api("POST", "/api/v2/users/" + user["id"].get<std::string>() + "/suspend");
  }
  EXPECT_EQ(ask(bobs, "x"), 403);
}

TEST_F(IdToken, KeysOutliveARestartAndChangeWithoutAGap) {
  Machine& m = joined("alpha");
  const Json first = key_set();
  start();
  EXPECT_EQ(key_set(), first);
  const Token old = token(m);
  wall += std::chrono::days(90);
  api("POST", device(m) + "/key", {{"keyExpiryDisabled", true}});
  const Json both = key_set();
  EXPECT_EQ(both["keys"].size(), 2u);
  EXPECT_EQ(token(m).header["kid"], old.header["kid"]) << "the new one is not known yet";
  wall += std::chrono::days(1);
  const Token fresh = token(m);
  EXPECT_NE(fresh.header["kid"], old.header["kid"]);
  EXPECT_TRUE(verifies(fresh, both));
  EXPECT_TRUE(verifies(old, key_set())) << "tokens on their way are still good";
  wall += std::chrono::days(1);
  EXPECT_EQ(key_set()["keys"].size(), 1u);
  EXPECT_TRUE(verifies(fresh, key_set()));
}

}  // namespace
}  // namespace aya::serve
