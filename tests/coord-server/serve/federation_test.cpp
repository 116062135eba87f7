// Federated identities: programs that come with another server's token (interfaces 1.3, 1.7).
#include "tests/coord-server/serve/bench.h"
#include "tests/coord-server/serve/foreign_issuer.h"

namespace aya::serve {
namespace {

using Kind = oidc::Signer::Kind;
using testing::HasSubstr;

class Federated : public Bench {
 protected:
  static constexpr const char* kKeys = "/api/v2/tailnet/-/keys";

  static Json wish() {
    return {
        {"keyType", "federated"},
        {"scopes", {"auth_keys", "devices:core"}},
        {"tags", {"tag:ci"}},
        {"issuer", "https://issuer.example"},
        {"subject", "repo:example/*"},
        {"customClaimRules", {{"environment", "prod*"}}},
        {"description", "pipeline"}};
  }
  Json make(const Json& what = wish()) {
    const Json made = api("POST", kKeys, what);
    EXPECT_EQ(reply.status, 200) << made;
    id = made.value("id", "");
    return made;
  }
  std::int64_t seconds() const {
    return std::chrono::duration_cast<std::chrono::seconds>(wall.time_since_epoch()).count();
  }
  Json claims() const {
    return {
        {"iss", issuer.url},
        {"aud", "api.default.mesh.test/" + id},
        {"sub", "repo:example/site"},
        {"iat", seconds()},
        {"exp", seconds() + 300},
        {"environment", "production"}};
  }
  Json exchange(const std::string& token, const std::string& more = "") {
    return form(
        "/api/v2/oauth/token-exchange", "client_id=" + id + "&jwt=" + token + more,
        [this](const federation::Fetch& fetch) { return issuer.answer(fetch); });
  }
  // Why it is refused; empty: it is not.
  std::string refusal(const std::string& token) {
    const Json said = exchange(token);
    EXPECT_EQ(reply.headers.get("Cache-Control"), "no-store");
    if (reply.status == 200) return {};
    EXPECT_EQ(reply.status, 400) << said;
    EXPECT_EQ(said.value("error", ""), "invalid_grant");
    return said.value("error_description", "?");
  }
  std::string audit_of(const std::string& target) {
    const auto log = storage->audit_log(coordinator->registry().accounts().begin()->first, {}, 1);
    EXPECT_TRUE(log && log->size() == 1u && log->front().target_id == target);
    return log->front().action + ' ' + log->front().target_type + ' ' + log->front().old_value +
           " -> " + log->front().new_value;
  }

  std::string id;
  ForeignIssuer issuer;
};

TEST_F(Federated, AreKeysLikeOthersButForTheSecret) {
  const Json made = make();
  EXPECT_FALSE(made.contains("key"));
  EXPECT_EQ(made.at("keyType"), "federated");
  EXPECT_EQ(made.at("audience"), "api.default.mesh.test/" + id);
  EXPECT_EQ(made.at("customClaimRules"), Json({{"environment", "prod*"}}));
  EXPECT_THAT(audit_of(id), HasSubstr("CREATE FEDERATED_IDENTITY"));
  EXPECT_EQ(api("GET", kKeys + ("/" + id)), made);
  EXPECT_EQ(api("GET", kKeys + std::string("?all=true")).at("keys"), Json::array({made}));

  advance(1h);
  Json other = wish();
  other["subject"] = "repo:example/main";
  other["audience"] = "ayatori";
  other["customClaimRules"] = nullptr;
  Json changed = api("PUT", kKeys + ("/" + id), other);
  EXPECT_EQ(changed.at("subject"), "repo:example/main");
  EXPECT_EQ(changed.at("audience"), "ayatori");
  EXPECT_EQ(changed.at("customClaimRules"), Json::object());
  EXPECT_NE(changed.at("updated"), made.at("updated"));
  EXPECT_THAT(audit_of(id), HasSubstr("UPDATE FEDERATED_IDENTITY"));
  EXPECT_THAT(audit_of(id), HasSubstr("repo:example/*"));
  const auto before = storage->newest_audit_line();
  api("PUT", kKeys + ("/" + id), other);
  EXPECT_EQ(storage->newest_audit_line(), before) << "nothing has changed";
  start();
  EXPECT_EQ(api("GET", kKeys + ("/" + id)), changed);
  other["keyType"] = "client";
  api("PUT", kKeys + ("/" + id), other);
  EXPECT_EQ(reply.status, 400);

  api("DELETE", kKeys + ("/" + id));
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(audit_of(id), HasSubstr("REVOKE FEDERATED_IDENTITY"));
  EXPECT_EQ(api("GET", kKeys + ("/" + id)).at("invalid"), true);
  api("DELETE", kKeys + ("/" + id));
  EXPECT_EQ(reply.status, 404);
}

TEST_F(Federated, AreRefusedWithTheReason) {
  struct Row {
    const char* field;
    Json value;
    const char* why;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"issuer", "", "issuer"},
           {"issuer", "http://issuer.example", "issuer: want an https URL"},
           {"issuer", "https://issuer.example?x=1", "issuer"},
           {"issuer", "https://u@issuer.example", "issuer"},
           {"issuer", nullptr, "issuer"},
           {"subject", "", "subject"},
           {"subject", "a\nb", "subject: control"},
           {"subject", 7, "subject: want a string"},
           {"subject", std::string(501, 'a'), "subject: at most"},
           {"audience", "a\tb", "audience"},
           {"customClaimRules", Json::array(), "customClaimRules"},
           {"customClaimRules", {{"ref", 1}}, "customClaimRules: \"ref\""},
           {"customClaimRules", {{"ref", ""}}, "customClaimRules: \"ref\""},
           {"customClaimRules", {{"", "x"}}, "customClaimRules"},
           {"scopes", Json::array(), "scopes"},
           {"scopes", {"everything"}, "everything"},
           {"tags", nullptr, "needs at least one tag"}}) {
    Json body = wish();
    body[row.field] = row.value;
    const Json said = api("POST", kKeys, body);
    EXPECT_EQ(reply.status, 400) << row.field << ' ' << row.value;
    EXPECT_THAT(said.value("message", ""), HasSubstr(row.why)) << row.value;
  }
}

TEST_F(Federated, AreNoWiderThanWhoeverMakesThem) {
  const Json client =
      api("POST", kKeys,
          {{"keyType", "client"},
           {"scopes", {"federated_keys", "auth_keys"}},
           {"tags", {"tag:ci"}}});
  const std::string secret = client.at("key");
  authorization = "none";
  const Json access = api_text("POST", "/api/v2/oauth/token", "client_secret=" + secret);
  authorization = "Bearer " + access.at("access_token").get<std::string>();
  Json narrow = wish();
  narrow["scopes"] = {"auth_keys"};
  const Json made = make(narrow);
  narrow["scopes"] = {"auth_keys", "dns"};
  api("POST", kKeys, narrow);
  EXPECT_EQ(reply.status, 403);
  narrow["scopes"] = {"auth_keys"};
  narrow["tags"] = {"tag:other"};
  api("PUT", kKeys + ("/" + id), narrow);
  EXPECT_EQ(reply.status, 403);
  // Clients are another kind: to see and change those takes another scope.
  EXPECT_EQ(api("GET", kKeys + std::string("?all=true")).at("keys"), Json::array({made}));
  api("PUT", kKeys + ("/" + client.at("id").get<std::string>()), {{"scopes", {"auth_keys"}}});
  EXPECT_EQ(reply.status, 403);
}

TEST_F(Federated, ExchangeATokenForAnHourOfAccess) {
  make();
  const Json access = exchange(issuer.token(claims()));
  EXPECT_EQ(reply.status, 200) << access;
  EXPECT_EQ(reply.headers.get("Cache-Control"), "no-store");
  EXPECT_TRUE(reply.headers.has("X-Request-Id"));
  EXPECT_EQ(access.at("token_type"), "Bearer");
  EXPECT_EQ(access.at("expires_in"), 3600);
  EXPECT_EQ(access.at("scope"), "auth_keys devices:core");
  authorization = "Bearer " + access.at("access_token").get<std::string>();
  const Json create = {{"tags", {"tag:ci"}}, {"ephemeral", true}};
  const Json key = api("POST", kKeys, {{"capabilities", {{"devices", {{"create", create}}}}}});
  EXPECT_EQ(reply.status, 200) << key;
  Machine& runner = machine("runner");
  send_register(runner, register_request(runner, key.at("key")));
  EXPECT_EQ(node(runner).record.tags, std::vector<std::string>{"tag:ci"});
  EXPECT_EQ(api("GET", kKeys + ("/" + id)).at("id"), id) << "it may look at itself";
  api("GET", "/api/v2/tailnet/-/acl");
  EXPECT_EQ(reply.status, 403);

  authorization.clear();
  api("DELETE", kKeys + ("/" + id));
  authorization = "Bearer " + access.at("access_token").get<std::string>();
  api("GET", kKeys);
  EXPECT_EQ(reply.status, 401) << "its tokens end with it";
  EXPECT_EQ(exchange(issuer.token(claims())).at("error"), "invalid_client");
  EXPECT_EQ(reply.status, 401);
}

TEST_F(Federated, MayAskForLessAndNotForMore) {
  make();
  EXPECT_EQ(exchange(issuer.token(claims()), "&scope=auth_keys").at("scope"), "auth_keys");
  EXPECT_EQ(exchange(issuer.token(claims()), "&scope=dns").at("error"), "invalid_scope");
  EXPECT_EQ(exchange(issuer.token(claims()), "&tags=tag:db").at("error"), "invalid_scope");
  // As one client library has it, which is made for another dance.
  const Json other = exchange(issuer.token(claims()), "&code=&grant_type=authorization_code");
  EXPECT_EQ(other.value("expires_in", 0), 3600);
  EXPECT_EQ(exchange("").at("error"), "invalid_request");
  const std::string good = id;
  id = "k9NobodyCNTRL";
  EXPECT_EQ(exchange(issuer.token(claims())).at("error"), "invalid_client");
  const Json client = api("POST", kKeys, {{"keyType", "client"}, {"scopes", {"dns"}}});
  id = client.at("id");
  EXPECT_EQ(exchange(issuer.token(claims())).at("error"), "invalid_client");
}

TEST_F(Federated, TakeTokensOfEveryAlgorithmThatIsOurs) {
  make();
  for (const Kind kind : {Kind::Rsa, Kind::P256, Kind::Ed25519}) {
    issuer.signers = {oidc::Signer(kind, "k" + std::to_string(static_cast<int>(kind) + 2))};
    EXPECT_EQ(refusal(issuer.token(claims())), "");
    advance(11s);
  }
}

TEST_F(Federated, RefuseTokensThatSaySomethingElse) {
  make();
  struct Row {
    const char* claim;
    Json value;
    const char* why;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"iss", "https://issuer.example/", "iss"},
           {"aud", "api.default.mesh.test/other", "aud"},
           {"aud", Json::array(), "aud"},
           {"sub", "repo:other/site", "sub"},
           {"sub", nullptr, "sub"},
           {"environment", "staging", "environment"},
           {"environment", true, "environment"},
           {"exp", seconds() - 61, "expired"},
           {"exp", nullptr, "exp"},
           {"iat", seconds() + 120, "future"},
           {"nbf", seconds() + 120, "not valid yet"}}) {
    Json said = claims();
    said[row.claim] = row.value;
    EXPECT_THAT(refusal(issuer.token(said)), HasSubstr(row.why)) << row.claim << ' ' << row.value;
  }
  Json several = claims();
  several["aud"] = {"another", several["aud"]};
  several["environment"] = {"staging", "production"};
  EXPECT_EQ(refusal(issuer.token(several)), "");
}

TEST_F(Federated, RefuseTokensThatNobodyOrSomebodyElseHasSigned) {
  make();
  EXPECT_EQ(refusal(issuer.token(claims())), "");
  const std::string payload = to_base64url(as_bytes(claims().dump()));
  const auto headed = [&](const Json& header) {
    return to_base64url(as_bytes(header.dump())) + '.' + payload + '.';
  };
  EXPECT_THAT(refusal(headed({{"alg", "none"}})), HasSubstr("alg none"));
  EXPECT_THAT(refusal("e30.eyJleHAiOjQxMDI0NDQ4MDB9.c2ln"), HasSubstr("alg"));
  // The public key as the secret of a keyed hash.
  const std::string keyed = headed({{"alg", "HS256"}, {"kid", "k1"}});
  const std::string public_key = issuer.signers[0].jwk().dump();
  EXPECT_THAT(refusal(keyed + to_base64url(as_bytes(public_key))), HasSubstr("alg HS256"));
  const oidc::Signer thief(Kind::P256, "k1");
  EXPECT_THAT(refusal(thief.token(claims())), HasSubstr("signature"));
  const oidc::Signer nameless(Kind::P256, "");
  EXPECT_THAT(refusal(nameless.token(claims())), HasSubstr("key"));
  // Whether its subject would do is not for those to know whose token is not genuine.
  Json other = claims();
  other["sub"] = "repo:other/site";
  EXPECT_THAT(refusal(thief.token(other)), HasSubstr("signature"));
}

TEST_F(Federated, KeysAreFetchedOnceAndAgainWhenOneIsUnknown) {
  make();
  refusal(issuer.token(claims()));
  refusal(issuer.token(claims()));
  EXPECT_EQ(issuer.asked, 2u) << "what it says of itself, and its keys";
  advance(11s);
  issuer.signers.push_back(oidc::Signer(Kind::P256, "k2"));
  EXPECT_EQ(refusal(issuer.token(claims())), "");
  EXPECT_EQ(issuer.asked, 4u);
  const oidc::Signer unknown(Kind::P256, "k3");
  for (int i = 0; i < 5; ++i) EXPECT_THAT(refusal(unknown.token(claims())), HasSubstr("no key"));
  EXPECT_EQ(issuer.asked, 4u) << "it was asked a moment ago";
  advance(11s);
  EXPECT_THAT(refusal(unknown.token(claims())), HasSubstr("no key"));
  EXPECT_EQ(issuer.asked, 6u);
  advance(1h);
  EXPECT_EQ(refusal(issuer.token(claims())), "");
  EXPECT_EQ(issuer.asked, 8u) << "keys do not hold for ever";
}

TEST_F(Federated, AnIssuerThatSaysNothingOfUseIsAskedAgainLater) {
  make();
  for (const federation::Fetched& said : std::initializer_list<federation::Fetched>{
           federation::NoDocument{"refused"}, std::string("{}"),
           Json{{"issuer", "https://other.test"}, {"jwks_uri", "https://other.test/k"}}.dump(),
           Json{{"issuer", issuer.url}, {"jwks_uri", "http://issuer.example/keys"}}.dump()}) {
    std::size_t asked = 0;
    const auto answer = [&](const federation::Fetch&) { return ++asked, said; };
    for (int i = 0; i < 3; ++i) {
      const std::string body = "client_id=" + id + "&jwt=" + issuer.token(claims());
      const Json got = form("/api/v2/oauth/token-exchange", body, answer);
      EXPECT_EQ(reply.status, 503);
      EXPECT_EQ(got.value("error", ""), "temporarily_unavailable");
    }
    EXPECT_EQ(asked, 1u);
    advance(11s);
  }
  EXPECT_EQ(refusal(issuer.token(claims())), "");
}

TEST_F(Federated, CallersWhoCannotWaitAreToldSo) {
  make();
  authorization = "none";
  const std::string body = "client_id=" + id + "&jwt=" + issuer.token(claims());
  api_text("POST", "/api/v2/oauth/token-exchange", body);
  EXPECT_EQ(reply.status, 503);
  exchange(issuer.token(claims()));
  api_text("POST", "/api/v2/oauth/token-exchange", body);
  EXPECT_EQ(reply.status, 200);
}

TEST_F(Federated, AnIdentityRevokedWhileItsIssuerIsAskedGetsNothing) {
  make();
  const Json got = form(
      "/api/v2/oauth/token-exchange", "client_id=" + id + "&jwt=" + issuer.token(claims()),
      [this](const federation::Fetch& fetch) {
        api("DELETE", kKeys + ("/" + id));
        return issuer.answer(fetch);
      });
  EXPECT_EQ(reply.status, 401) << got;
}

}  // namespace
}  // namespace aya::serve
