// What the roles of an account may do (interfaces 6.4), for every route of the API, and that nobody
// comes by rights through others who have them.
#include <map>
#include <set>

#include "tests/coord-server/serve/bench.h"

namespace aya::serve {
namespace {

using testing::HasSubstr;

// What each may change; all but members may look at everything.
const std::map<std::string, std::set<std::string>> kChanges = {
    {"it-admin",
     {"devices:core", "devices:routes", "devices:posture_attributes", "device_invites", "users",
      "user_invites"}},
    {"network-admin", {"policy_file", "dns", "devices:routes", "auth_keys", "networking_settings"}},
    {"auditor", {}},
};
// Of their own devices, members may do this.
const std::set<std::pair<std::string, std::string>> kOfOwnDevices = {
    {"get", "/api/v2/tailnet/{tailnet}/devices"},  {"get", "/api/v2/device/{deviceId}"},
    {"delete", "/api/v2/device/{deviceId}"},       {"post", "/api/v2/device/{deviceId}/name"},
    {"post", "/api/v2/device/{deviceId}/expire"},
};

bool may(const std::string& role, std::string scope) {
  if (role == "owner" || role == "admin") return true;
  if (!kChanges.contains(role)) return false;
  return scope.ends_with(":read") || kChanges.at(role).contains(scope);
}

class Roles : public Bench {
 protected:
  // Signs in as somebody of this role.
  void become(const std::string& role) {
    authorization.clear();
    const std::string login = role + "@mesh.test";
    const Json made = api(
        "POST", "/api/v2/tailnet/-/users", {{"loginName", login}, {"role", role}});
    ids[role] = made.value("id", ids[role]);
    const Json key =
        api("POST", "/api/v2/tailnet/-/keys", {{"keyType", "api"}, {"user", login}});
    authorization = "Bearer " + key.at("key").get<std::string>();
  }

  // Nothing of these names exists: whoever may ask is told so.
  int status_of(const std::string& method, std::string path) {
    static const std::string kTailnet = "{tailnet}";
    if (const auto at = path.find(kTailnet); at != std::string::npos) {
      path.replace(at, kTailnet.size(), "-");
    }
    for (auto at = path.find('{'); at != std::string::npos; at = path.find('{')) {
      path.replace(at, path.find('}') - at + 1, "0");
    }
    std::string upper = method;
    for (char& ch : upper) ch = static_cast<char>(std::toupper(ch));
    http::Request request = http_request(upper, path, upper == "GET" ? "" : "{}");
    request.headers.set("Authorization", authorization);
    advance(1s);  // nobody asks so often as to be told to wait
    return coordinator->on_api(request, {false, ""}, wall).status;
  }

  int status(const std::string& method, const std::string& path, const Json& body) {
    reply_body = api(method, path, body);
    return reply.status;
  }

  std::map<std::string, std::string> ids;
  Json reply_body;
};

TEST_F(Roles, DecideEveryRouteOfTheApi) {
  const Json paths = api("GET", "/api/v2/openapi.json").at("paths");
  for (const std::string role :
       {"owner", "admin", "it-admin", "network-admin", "auditor", "member", "billing-admin"}) {
    become(role);
    std::size_t asked = 0;
    for (const auto& [path, operations] : paths.items()) {
      for (const auto& [method, operation] : operations.items()) {
        if (!operation.contains("x-required-scope")) continue;
        const std::string scope = operation.at("x-required-scope");
        // Answers that are a stream, and what belongs to the whole server, have tests of their own.
        if (path.ends_with("/events") || path.starts_with("/api/v2/derp")) continue;
        const bool own = kOfOwnDevices.contains({method, path});
        const bool member = role == "member" || role == "billing-admin";
        const bool expected = member ? own : may(role, scope);
        EXPECT_EQ(status_of(method, path) != 403, expected)
            << role << ' ' << method << ' ' << path << " (" << scope << ')';
        ++asked;
      }
    }
    EXPECT_GT(asked, 70u);
  }
}

TEST_F(Roles, KeysAreDecidedByTheirKind) {
  const std::map<std::string, std::set<std::string>> makes = {
      {"owner", {"auth", "client", "api"}}, {"admin", {"auth", "client", "api"}},
      {"it-admin", {}},                     {"network-admin", {"auth"}},
      {"auditor", {}},                      {"member", {}}};
  for (const auto& [role, kinds] : makes) {
    become(role);
    for (const std::string kind : {"auth", "client", "api"}) {
      const int got = status(
          "POST", "/api/v2/tailnet/-/keys",
          {{"keyType", kind}, {"scopes", {"dns"}}, {"expirySeconds", 60}});
      EXPECT_EQ(got, kinds.contains(kind) ? 200 : 403) << role << ' ' << kind;
    }
  }
}

TEST_F(Roles, MembersSeeTheirOwnDevicesOnly) {
  const Machine& others = joined("printer");
  const std::string path = device(others);
  become("member");
  EXPECT_THAT(api("GET", "/api/v2/tailnet/-/devices").at("devices"), testing::IsEmpty());
  EXPECT_EQ(status("GET", path, {}), 404);
  EXPECT_EQ(status("DELETE", path, {}), 404);
  EXPECT_EQ(status("POST", path + "/name", {{"name", "mine"}}), 404);

  // The same device, given to them.
  const std::string member = authorization;
  authorization.clear();
  EXPECT_EQ(status("POST", path + "/owner", {{"user", "member@mesh.test"}}), 200);
  authorization = member;
  EXPECT_EQ(api("GET", "/api/v2/tailnet/-/devices").at("devices").size(), 1u);
  EXPECT_EQ(status("POST", path + "/name", {{"name", "mine"}}), 200);
  EXPECT_EQ(status("POST", path + "/ip", {{"ipv4", "100.80.0.1"}}), 403);
  EXPECT_EQ(status("POST", path + "/authorized", {{"authorized", true}}), 403);
  EXPECT_EQ(status("DELETE", path, {}), 200);
}

// Every way by which somebody could get the rights of somebody else.
TEST_F(Roles, NobodyGivesRightsThatTheyDoNotHave) {
  for (const std::string role : {"owner", "admin", "auditor", "member"}) become(role);
  become("it-admin");
  const auto user = [&](const std::string& role) { return "/api/v2/users/" + ids.at(role); };
  for (const std::string above : {"owner", "admin"}) {
    EXPECT_EQ(status("POST", user("it-admin") + "/role", {{"role", above}}), 403);
    EXPECT_EQ(status("POST", user("member") + "/role", {{"role", above}}), 403);
    EXPECT_EQ(status("POST", user(above) + "/role", {{"role", "member"}}), 403);
    EXPECT_EQ(status("POST", user(above) + "/link", Json::object()), 403);
    EXPECT_EQ(status("POST", user(above) + "/name", {{"loginName", "x@mesh.test"}}), 403);
    EXPECT_EQ(status("POST", user(above) + "/suspend", Json::object()), 403);
    EXPECT_EQ(status("POST", user(above) + "/delete", Json::object()), 403);
    EXPECT_EQ(
        status("POST", "/api/v2/tailnet/-/users", {{"loginName", "y"}, {"role", above}}), 403);
    EXPECT_EQ(
        status("POST", "/api/v2/tailnet/-/user-invites", Json::array({{{"role", above}}})), 403);
  }
  // A network-admin may do what this one may not.
  EXPECT_EQ(status("POST", user("member") + "/role", {{"role", "network-admin"}}), 403);
  EXPECT_THAT(reply_body.at("message").get<std::string>(), HasSubstr("policy_file"));
  // What is within its own rights goes.
  EXPECT_EQ(status("POST", user("member") + "/role", {{"role", "auditor"}}), 200);
  EXPECT_EQ(status("POST", user("member") + "/role", {{"role", "it-admin"}}), 200);
  EXPECT_EQ(status("POST", user("member") + "/link", Json::object()), 200);
  EXPECT_EQ(status("POST", user("member") + "/delete", Json::object()), 200);

  // Devices act with the rights of their owners.
  const std::string it_admin = authorization;
  authorization.clear();
  const std::string path = device(joined("box"));
  authorization = it_admin;
  EXPECT_EQ(status("POST", path + "/owner", {{"user", "admin@mesh.test"}}), 403);
  EXPECT_EQ(status("POST", path + "/owner", {{"user", "it-admin@mesh.test"}}), 200);

  become("network-admin");
  for (const std::string above : {"owner", "admin"}) {
    EXPECT_EQ(
        status("POST", "/api/v2/tailnet/-/keys", {{"user", above + "@mesh.test"}}), 403);
  }
  EXPECT_EQ(status("POST", "/api/v2/tailnet/-/keys", {{"user", "auditor@mesh.test"}}), 200);

  become("admin");
  EXPECT_EQ(status("POST", user("owner") + "/role", {{"role", "member"}}), 403);
  EXPECT_EQ(status("POST", user("admin") + "/role", {{"role", "owner"}}), 403);
  EXPECT_EQ(
      status(
          "POST", "/api/v2/tailnet/-/keys", {{"keyType", "api"}, {"user", "owner@mesh.test"}}),
      403);
}

// A program has the rights of its token, not those of the person who made it.
TEST_F(Roles, ProgramsDoNotBecomePeople) {
  become("admin");
  const Json client = api(
      "POST", "/api/v2/tailnet/-/keys",
      {{"keyType", "client"}, {"scopes", {"api_access_tokens", "users"}}});
  const std::string form = "client_id=x&grant_type=client_credentials&client_secret=" +
                           client.at("key").get<std::string>();
  authorization = "none";
  http::Request request = http_request("POST", "/api/v2/oauth/token", form);
  request.headers.set("Content-Type", "application/x-www-form-urlencoded");
  const auto answer = coordinator->on_api(request, {false, ""}, wall);
  ASSERT_EQ(answer.status, 200) << as_text(answer.body);
  authorization =
      "Bearer " + Json::parse(as_text(answer.body)).at("access_token").get<std::string>();
  for (const std::string user : {"admin@mesh.test", ""}) {
    EXPECT_EQ(
        status(
            "POST", "/api/v2/tailnet/-/keys",
            {{"keyType", "api"}, {"user", user}, {"expirySeconds", 60}}),
        403)
        << user;
  }
  EXPECT_EQ(status("POST", "/api/v2/users/" + ids.at("admin") + "/link", Json::object()), 403);
}

}  // namespace
}  // namespace aya::serve
