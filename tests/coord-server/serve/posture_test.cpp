// Posture integrations end to end: what a service says of a machine, in the policy of its node.
#include "coord-server/device_posture/integrations.h"

#include "tests/coord-server/serve/bench.h"

namespace aya::serve {
namespace {

using delivery::Answered;
using delivery::Attempts;
using delivery::NoAnswer;
using device_posture::Integrations;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr const char* kAll = "/api/v2/tailnet/-/posture/integrations";
constexpr auto kEvery = Integrations::kSyncEvery;
const Json kFleet = {
    {"provider", "fleet"}, {"cloudId", "fleet.example"}, {"clientSecret", "s3cret-token"}};
const Json kIntune = {
    {"provider", "intune"},
    {"cloudId", "global"},
    {"clientId", "client-1"},
    {"tenantId", "tenant-1"},
    {"clientSecret", "s3cret-key"}};

// A host as Fleet has it.
Json host(const std::string& serial, bool passes = true) {
  return {
      {"hardware_serial", serial},
      {"policies",
       {{{"description", "fleetPolicy:disk"}, {"response", passes ? "pass" : "fail"}}}}};
}

class Posture : public Bench {
 protected:
  Posture() { api("PATCH", "/api/v2/tailnet/-/settings", {{"postureIdentityCollectionOn", true}}); }

  // What a machine says of itself when it is asked.
  void say(Machine& m, const Json& identity) {
    advance(5s);
    const auto asked = question(m);
    ASSERT_TRUE(asked) << m.host_name << " is not asked";
    EXPECT_EQ(answer(m, *asked, http::Response::json(200, identity.dump())), 200);
  }
  void say_serial(Machine& m, const std::string& serial) {
    say(m, {{"SerialNumbers", {serial}}});
  }
  Machine& with_serial(const std::string& name, const std::string& serial) {
    Machine& m = joined(name);
    say_serial(m, serial);
    return m;
  }

  std::string add(const Json& wish = kFleet) {
    const Json made = api("POST", kAll, wish);
    EXPECT_EQ(reply.status, 200) << made;
    return "/api/v2/posture/integrations/" + made.value("id", "");
  }
  std::string asked() { return posts.empty() ? "nothing" : posts.front().message.url; }
  std::string bearer() {
    return std::string(posts.front().message.headers.get("Authorization"));
  }
  template <class... Hosts>
  void answer_hosts(const Hosts&... hosts) {
    Json list = Json::array();
    (list.push_back(hosts), ...);
    answer_post(Answered{200, Json({{"hosts", list}}).dump()});
  }
  template <class... Hosts>
  void sync(const Hosts&... hosts) {
    advance(kEvery);
    ASSERT_THAT(posts, SizeIs(1));
    answer_hosts(hosts...);
  }
  Json attributes(const Machine& m) {
    return api("GET", device(m) + "/attributes").at("attributes");
  }
  bool passes(const Machine& m) { return attributes(m).value("fleetPolicy:disk", false); }
  Json status(const std::string& integration) { return api("GET", integration).at("status"); }
  Json log() {
    return api(
               "GET",
               "/api/v2/tailnet/-/logging/configuration?start=2020-01-01T00:00:00Z&end="
               "2040-01-01T00:00:00Z")
        .at("logs");
  }
  std::size_t attribute_changes() {
    const Json lines = log();
    return static_cast<std::size_t>(std::ranges::count_if(lines, [](const Json& line) {
      return line.at("target").value("property", "") == "POSTURE_ATTRIBUTES";
    }));
  }
};

TEST_F(Posture, MachinesAreMatchedByTheirSerialNumbers) {
  Machine& laptop = with_serial("laptop", "vm-1");
  Machine& other = with_serial("other", "VM-2");
  joined("silent");
  const std::string fleet = add();
  EXPECT_EQ(
      asked(),
      "https://fleet.example/api/v1/fleet/hosts?populate_policies=true&order_key=id&per_page=50&"
      "page=0");
  EXPECT_EQ(bearer(), "Bearer s3cret-token");
  EXPECT_FALSE(status(fleet).contains("lastSync"));
  answer_hosts(host("VM-1"), host("VM-9"));
  EXPECT_EQ(attributes(laptop).at("fleet:present"), true);
  EXPECT_EQ(attributes(laptop).at("fleetPolicy:disk"), true);
  EXPECT_FALSE(attributes(other).contains("fleet:present"));
  const Json state = status(fleet);
  EXPECT_EQ(state.at("providerHostCount"), 2);
  EXPECT_EQ(state.at("possibleMatchedCount"), 2);
  EXPECT_EQ(state.at("matchedCount"), 1);
  EXPECT_EQ(state.at("lastSync"), to_rfc3339(wall));
  EXPECT_FALSE(state.contains("error"));

  const Json line = log().back();
  EXPECT_EQ(line.at("target").at("property"), "POSTURE_ATTRIBUTES");
  EXPECT_EQ(line.at("target").at("name"), "laptop.default.mesh.test");
  EXPECT_EQ(line.at("actor").at("type"), "AUTOMATED_WORKER");
  EXPECT_EQ(line.at("new"), Json({{"fleet:present", true}, {"fleetPolicy:disk", true}}));
}

TEST_F(Posture, OnlyWhatChangesIsNews) {
  Machine& laptop = with_serial("laptop", "S1");
  add();
  answer_hosts(host("S1"));
  const auto version = coordinator->registry().version();
  const std::size_t lines = log().size();
  advance(kEvery - 1s);
  EXPECT_THAT(posts, IsEmpty());
  advance(1s);
  ASSERT_THAT(posts, SizeIs(1));
  answer_hosts(host("S1"));
  EXPECT_EQ(coordinator->registry().version(), version);
  EXPECT_EQ(log().size(), lines);
  sync(host("S1", false));
  EXPECT_FALSE(passes(laptop));
  EXPECT_EQ(attributes(laptop).at("fleet:present"), true);
  EXPECT_EQ(log().size(), lines + 1);
  EXPECT_EQ(log().back().at("old"), Json({{"fleetPolicy:disk", true}}));
  EXPECT_EQ(log().back().at("new"), Json::object());
  sync();
  EXPECT_FALSE(attributes(laptop).contains("fleet:present")) << "no longer known there";
}

TEST_F(Posture, APolicyLetsInWhoIsCompliant) {
  Machine& laptop = with_serial("laptop", "S1");
  Machine& server = joined("server");
  api_text(
      "POST", "/api/v2/tailnet/-/acl",
      R"({"postures": {"posture:good": ["intune:complianceState == 'compliant'"]},
          "grants": [
            {"src": ["*"], "dst": ["*"], "ip": ["22"], "srcPosture": ["posture:good"]}]})");
  ASSERT_EQ(reply.status, 200) << as_text(reply.body);
  const auto filter = [&]() -> const control::FilterRules& {
    advance(2 * mapper::MapStreams::kGatherFor);
    return server.state.netmap.packet_filters.at("base");
  };
  EXPECT_THAT(filter(), IsEmpty());
  add(kIntune);
  const auto say_state = [&](const char* state) {
    EXPECT_THAT(asked(), HasSubstr("https://login.microsoftonline.com/tenant-1/"));
    EXPECT_THAT(as_text(posts.front().message.body), HasSubstr("client_secret=s3cret-key"));
    answer_post(Answered{200, R"({"access_token":"t0k"})"});
    EXPECT_THAT(asked(), HasSubstr("https://graph.microsoft.com/"));
    EXPECT_EQ(bearer(), "Bearer t0k");
    answer_post(Answered{
        200, Json({{"value", {{{"serialNumber", "S1"}, {"complianceState", state}}}}}).dump()});
    EXPECT_THAT(posts, IsEmpty());
  };
  say_state("compliant");
  ASSERT_THAT(filter(), SizeIs(1));
  EXPECT_THAT(
      filter()[0].src_ips, testing::Contains(HasSubstr(node(laptop).record.ipv4.to_text())));
  laptop.received.clear();
  advance(kEvery);
  say_state("noncompliant");
  EXPECT_THAT(filter(), IsEmpty());
  EXPECT_EQ(peer(server, laptop), nullptr);
}

TEST_F(Posture, WhileAServiceIsAwayItsLastWordHolds) {
  Machine& laptop = with_serial("laptop", "S1");
  const std::string fleet = add();
  answer_hosts(host("S1"));
  const std::string synced = status(fleet).at("lastSync");
  advance(kEvery);
  for (const auto wait : Attempts::kTryAgainAfter) {
    answer_post(NoAnswer{"connection refused"});
    EXPECT_THAT(std::string(status(fleet).at("error")), HasSubstr("fleet.example: connection"));
    EXPECT_GT(std::string(status(fleet).at("lastSync")), synced);
    EXPECT_EQ(status(fleet).at("matchedCount"), 1);
    EXPECT_TRUE(passes(laptop));
    advance(wait - 1s);
    EXPECT_THAT(posts, IsEmpty());
    advance(1s);
    ASSERT_THAT(posts, SizeIs(1));
  }
  answer_post(Answered{200, "<html>"});
  EXPECT_THAT(std::string(status(fleet).at("error")), HasSubstr("no JSON object"));
  EXPECT_TRUE(passes(laptop));
  advance(Attempts::kTryAgainAfter.back());
  answer_hosts(host("S1", false));
  EXPECT_FALSE(status(fleet).contains("error"));
  EXPECT_FALSE(passes(laptop));
}

TEST_F(Posture, AfterARestartANodeThatIsAwayIsStillTheMachineItWas) {
  Machine& laptop = with_serial("laptop", "S1");
  const std::string fleet = add();
  answer_hosts(host("S1"));
  start();
  EXPECT_TRUE(passes(laptop));
  EXPECT_EQ(status(fleet).at("matchedCount"), 1);
  pump();
  ASSERT_THAT(posts, SizeIs(1)) << "after a start it is asked at once";
  EXPECT_EQ(bearer(), "Bearer s3cret-token");
  answer_hosts(host("S1", false));
  EXPECT_FALSE(passes(laptop)) << "nobody has asked the node yet";
  EXPECT_EQ(status(fleet).at("possibleMatchedCount"), 1);
  // It is another machine by now, and says so when it comes.
  EXPECT_EQ(poll(laptop), 200);
  say_serial(laptop, "S2");
  EXPECT_FALSE(attributes(laptop).contains("fleet:present"));
}

TEST_F(Posture, ANodeThatComesGetsWhatWasKnownOfItsMachine) {
  add();
  answer_hosts(host("S1"));
  Machine& laptop = joined("laptop");
  EXPECT_FALSE(attributes(laptop).contains("fleet:present"));
  say_serial(laptop, "s1");
  EXPECT_TRUE(passes(laptop));
  EXPECT_THAT(posts, IsEmpty());
}

TEST_F(Posture, WhoDoesNotTellWhichMachineItIsHasNoAttributes) {
  Machine& laptop = with_serial("laptop", "S1");
  Machine& other = with_serial("other", "S2");
  add();
  answer_hosts(host("S1"), host("S2"));
  EXPECT_EQ(poll(laptop), 200);
  say(laptop, {{"PostureDisabled", true}});
  EXPECT_FALSE(passes(laptop)) << "its owner does not want to tell";
  EXPECT_TRUE(passes(other));
  api("PATCH", "/api/v2/tailnet/-/settings", {{"postureIdentityCollectionOn", false}});
  sync(host("S1"), host("S2"));
  EXPECT_FALSE(passes(other)) << "nobody is asked any more";
}

TEST_F(Posture, RemovingAnIntegrationTakesItsAttributesAlong) {
  Machine& laptop = with_serial("laptop", "S1");
  api("POST", device(laptop) + "/attributes/custom:tier", {{"value", "prod"}});
  const std::string fleet = add();
  answer_hosts(host("S1"));
  advance(kEvery);  // and while it is asked
  api("DELETE", fleet);
  EXPECT_EQ(reply.status, 200);
  EXPECT_FALSE(attributes(laptop).contains("fleet:present"));
  EXPECT_FALSE(attributes(laptop).contains("fleetPolicy:disk"));
  EXPECT_EQ(attributes(laptop).at("custom:tier"), "prod");
  const Json line = log().at(log().size() - 2);
  EXPECT_EQ(line.at("target").at("property"), "POSTURE_ATTRIBUTES");
  EXPECT_EQ(line.at("actor"), log().back().at("actor")) << "somebody did that";
  answer_hosts(host("S1"));
  EXPECT_FALSE(attributes(laptop).contains("fleet:present"));
  api("GET", fleet);
  EXPECT_EQ(reply.status, 404);
  start();
  EXPECT_THAT(api("GET", kAll).at("integrations"), IsEmpty());
  advance(kEvery);
  EXPECT_THAT(posts, IsEmpty());
}

TEST_F(Posture, AttributesOfServicesAreNobodyElsesToSet) {
  Machine& laptop = with_serial("laptop", "S1");
  add();
  answer_hosts(host("S1", false));
  const std::string at = device(laptop) + "/attributes/";
  for (const char* name : {"fleet:present", "fleetPolicy:disk", "intune:complianceState"}) {
    api("POST", at + name, {{"value", true}});
    EXPECT_EQ(reply.status, 400);
    api("DELETE", at + name);
    EXPECT_EQ(reply.status, 400);
  }
  api("PATCH", "/api/v2/tailnet/-/device-attributes",
      {{"nodes", {{node(laptop).record.stable_id, {{"fleet:present", nullptr}}}}}});
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(attributes(laptop).at("fleet:present"), true);
}

TEST_F(Posture, IsChangedFieldByField) {
  const std::string fleet = add();
  answer_hosts();
  const std::string before = api("GET", fleet).at("configUpdated");
  advance(1min);
  const Json same = api("PATCH", fleet, {{"provider", "fleet"}, {"clientSecret", nullptr}});
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(same.at("configUpdated"), before);
  EXPECT_THAT(posts, IsEmpty());
  const Json changed = api("PATCH", fleet, {{"cloudId", "other.example"}});
  EXPECT_EQ(changed.at("cloudId"), "other.example");
  EXPECT_GT(std::string(changed.at("configUpdated")), before);
  EXPECT_THAT(asked(), HasSubstr("https://other.example/"));
  EXPECT_EQ(bearer(), "Bearer s3cret-token");
  answer_hosts();
  api("PATCH", fleet, {{"clientSecret", "s3cret-new"}});
  EXPECT_EQ(bearer(), "Bearer s3cret-new");
  answer_hosts();
  for (const Json& wrong :
       {Json{{"provider", "intune"}}, Json{{"cloudId", ""}}, Json{{"tenantId", "t"}},
        Json{{"cloudId", 7}}}) {
    api("PATCH", fleet, wrong);
    EXPECT_EQ(reply.status, 400) << wrong;
  }
  EXPECT_THAT(posts, IsEmpty());
}

TEST_F(Posture, AnAnswerToWhatWasAskedBeforeAChangeDoesNotCount) {
  Machine& laptop = with_serial("laptop", "S1");
  const std::string fleet = add();
  api("PATCH", fleet, {{"cloudId", "other.example"}});
  ASSERT_THAT(posts, SizeIs(1)) << "one question at a time";
  answer_hosts(host("S1"));
  EXPECT_FALSE(attributes(laptop).contains("fleet:present"));
  EXPECT_THAT(asked(), HasSubstr("https://other.example/"));
  answer_hosts(host("S1"));
  EXPECT_TRUE(passes(laptop));
}

TEST_F(Posture, IsAskedAtOnceWhenSomebodyWantsThat) {
  const std::string fleet = add();
  answer_post(Answered{401});
  EXPECT_THAT(posts, IsEmpty());
  api("POST", fleet + "/sync");
  EXPECT_EQ(reply.status, 200);
  ASSERT_THAT(posts, SizeIs(1));
  answer_hosts();
  EXPECT_FALSE(status(fleet).contains("error"));
  api("POST", fleet + "/sync");
  EXPECT_THAT(posts, SizeIs(1));
}

TEST_F(Posture, OnlySoManyServicesAreAskedAtATime) {
  add();
  add(kIntune);
  add({{"provider", "kolide"}, {"clientSecret", "k"}});
  add({{"provider", "kandji"}, {"cloudId", "a.example"}, {"clientSecret", "k"}});
  add({{"provider", "huntress"}, {"clientId", "c"}, {"clientSecret", "k"}});
  EXPECT_THAT(posts, SizeIs(Integrations::kMostAtOnce));
  answer_hosts();
  EXPECT_THAT(posts, SizeIs(Integrations::kMostAtOnce));
  EXPECT_THAT(posts.back().message.url, HasSubstr("huntress"));
}

TEST_F(Posture, RefusesWhatCannotWork) {
  add();
  const std::pair<Json, int> wishes[] = {
      {kFleet, 409},
      {Json::object(), 400},
      {{{"provider", "crowdstrike"}, {"clientSecret", "x"}}, 400},
      {{{"provider", "intune"}, {"cloudId", "global"}, {"clientSecret", "x"}}, 400},
      {{{"provider", "kandji"}, {"cloudId", "http://a.example"}, {"clientSecret", "x"}}, 400},
      {{{"provider", "kolide"}}, 501},
      {{{"provider", 7}}, 400}};
  for (const auto& [wish, code] : wishes) {
    const Json said = api("POST", kAll, wish);
    EXPECT_EQ(reply.status, code) << wish << said;
  }
  EXPECT_THAT(
      std::string(api("POST", kAll, {{"provider", "x"}}).at("message")), HasSubstr("sentinelone"));
  EXPECT_THAT(api("GET", kAll).at("integrations"), SizeIs(1));
}

TEST_F(Posture, IsOfItsNetworkAlone) {
  Machine& laptop = with_serial("laptop", "S1");
  const std::string fleet = add();
  answer_hosts(host("S1"));
  api("POST", "/api/v2/accounts", {{"name", "lab"}, {"owner", "dora"}});
  const Json mine = api("POST", std::string(kAll) + "?account=lab", kFleet);
  ASSERT_EQ(reply.status, 200);
  answer_hosts();
  EXPECT_TRUE(passes(laptop));
  const Json key = api("POST", "/api/v2/tailnet/-/keys?account=lab", {{"keyType", "api"}});
  authorization = "Bearer " + key.at("key").get<std::string>();
  EXPECT_THAT(api("GET", kAll).at("integrations"), SizeIs(1));
  for (const char* method : {"GET", "PATCH", "DELETE"}) {
    api(method, fleet, {{"cloudId", "evil.example"}});
    EXPECT_EQ(reply.status, 404) << method;
  }
  api("POST", fleet + "/sync");
  EXPECT_EQ(reply.status, 404);
  api("GET", "/api/v2/posture/integrations/" + mine.at("id").get<std::string>());
  EXPECT_EQ(reply.status, 200);
  authorization.clear();
  api("DELETE", "/api/v2/accounts/2");
  ASSERT_EQ(reply.status, 200);
  advance(kEvery);
  EXPECT_THAT(posts, SizeIs(1));
}

TEST_F(Posture, NeedsTheRightToChangeFeatures) {
  const std::string fleet = add();
  const auto with_scope = [&](const char* scope) {
    authorization.clear();
    const Json client = api(
        "POST", "/api/v2/tailnet/-/keys", {{"keyType", "client"}, {"scopes", {scope}}});
    authorization = "none";
    const Json access = api_text(
        "POST", "/api/v2/oauth/token", "client_secret=" + client.at("key").get<std::string>());
    authorization = "Bearer " + access.at("access_token").get<std::string>();
  };
  const auto code = [&](const char* method, const std::string& at) {
    api(method, at, {{"cloudId", "fleet.example"}});
    return reply.status;
  };
  with_scope("feature_settings:read");
  EXPECT_EQ(code("GET", kAll), 200);
  EXPECT_EQ(code("GET", fleet), 200);
  EXPECT_EQ(code("PATCH", fleet), 403);
  EXPECT_EQ(code("DELETE", fleet), 403);
  EXPECT_EQ(code("POST", fleet + "/sync"), 403);
  EXPECT_EQ(code("POST", kAll), 403);
  with_scope("devices:core:read");
  EXPECT_EQ(code("GET", kAll), 403);
  with_scope("feature_settings");
  EXPECT_EQ(code("PATCH", fleet), 200);
}

TEST_F(Posture, SecretsGoInAndDoNotComeOut) {
  const std::string fleet = add();
  EXPECT_THAT(as_text(reply.body), Not(HasSubstr("s3cret")));
  answer_post(Answered{200, "s3cret-token is what you sent"});
  api("PATCH", fleet, {{"clientSecret", "s3cret-other"}});
  EXPECT_THAT(as_text(reply.body), Not(HasSubstr("s3cret")));
  answer_post(Answered{400, R"({"error":"s3cret-other","message":"s3cret-other"})"});
  add(kIntune);
  answer_post(Answered{401, R"({"error":"invalid_client","error_description":"s3cret-key"})"});
  EXPECT_THAT(api("GET", kAll).dump(), Not(HasSubstr("s3cret")));
  EXPECT_THAT(api("GET", kAll).dump(), HasSubstr("invalid_client"));
  api("DELETE", fleet);
  const std::string lines = log().dump();
  EXPECT_THAT(lines, Not(HasSubstr("s3cret")));
  EXPECT_THAT(lines, HasSubstr("fleet.example"));
  EXPECT_THAT(lines, HasSubstr("with another secret"));
}

}  // namespace
}  // namespace aya::serve
