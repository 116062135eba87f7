// Relays end to end: what people and other servers say of them, and what nodes are told.
#include "tests/coord-server/serve/bench.h"

namespace aya::serve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kUrl = "https://maps.example/derp.json";
constexpr const char* kMap =
    R"({"Regions":{"1":{"RegionCode":"nyc","Nodes":[{"Name":"1a","HostName":"nyc.example"}]},
                   "2":{"RegionCode":"fra","Nodes":[{"Name":"2a","HostName":"fra.example"}]}}})";

class Relays : public Bench {
 protected:
  std::vector<RegionId> told(const Machine& m) {
    std::vector<RegionId> out;
    for (const auto& [id, region] : *m.state.netmap.derp_map->regions) out.push_back(id);
    return out;
  }
  Json change(
      const char* method, const std::string& path, const Json& body = {}, int status = 200) {
    const Json answer = api(method, "/api/v2/derp" + path, body);
    EXPECT_EQ(reply.status, status) << path << ' ' << answer;
    advance(2 * mapper::MapStreams::kGatherFor);
    return answer;
  }
  Json put(RegionId id, const std::string& host, int status = 200) {
    return change(
        "PUT", "/regions/" + std::to_string(id), {{"Nodes", {{{"HostName", host}}}}}, status);
  }
  void set_policy(const Json& policy, int status = 200) {
    const Json answer = api("POST", "/api/v2/tailnet/-/acl", policy);
    EXPECT_EQ(reply.status, status) << answer;
    advance(2 * mapper::MapStreams::kGatherFor);
  }
  void fetched(const relays::Fetched& got) {
    EXPECT_TRUE(coordinator->take_relay_map(kUrl, got, wall));
    advance(2 * mapper::MapStreams::kGatherFor);
  }

  Machine& client = joined("client");
};

TEST_F(Relays, AChangeReachesEverybodyAtOnceAndAlone) {
  Machine& other = joined("other");
  advance(1s);
  client.received.clear();
  const auto before = coordinator->streams().counters();
  put(901, "relay.example");
  for (Machine* m : {&client, &other}) EXPECT_THAT(told(*m), ElementsAre(900, 901));
  ASSERT_EQ(client.received.size(), 1u);
  EXPECT_FALSE(client.received[0].node || client.received[0].dns_config);
  EXPECT_TRUE(client.received[0].peers_changed.empty());
  EXPECT_TRUE(client.received[0].derp_map->omit_default_regions);
  EXPECT_EQ(coordinator->streams().counters().encoded - before.encoded, 1u) << "one for both";
  client.received.clear();
  put(901, "relay.example");
  EXPECT_THAT(client.received, IsEmpty()) << "nothing has changed";
  change("DELETE", "/regions/901");
  EXPECT_THAT(told(client), ElementsAre(900));
  EXPECT_THAT(told(joined("late")), ElementsAre(900));
}

TEST_F(Relays, SurviveARestart) {
  put(901, "relay.example");
  change("PATCH", "/regions/900", {{"enabled", false}});
  change("PATCH", "/regions/901", {{"score", 0.1}});
  change("POST", "/sources", {{"url", kUrl}});
  fetched(std::string(kMap));
  start();
  poll(client);
  EXPECT_THAT(told(client), ElementsAre(1, 2, 901));
  EXPECT_EQ(client.state.netmap.derp_map->home_params->region_score->at(901), 0.1);
}

TEST_F(Relays, TheLastOneStays) {
  const Json refused = change("PATCH", "/regions/900", {{"enabled", false}}, 409);
  EXPECT_THAT(refused.at("message").get<std::string>(), HasSubstr("no relay left"));
  put(901, "relay.example");
  change("PATCH", "/regions/900", {{"enabled", false}});
  EXPECT_THAT(told(client), ElementsAre(901));
  change("DELETE", "/regions/901", {}, 409);
  change(
      "PUT", "/regions/901", {{"Nodes", {{{"HostName", "s.example"}, {"STUNOnly", true}}}}}, 409);
  change("PATCH", "/regions/900", {{"enabled", true}});
  change("DELETE", "/regions/901");
}

TEST_F(Relays, ScoresComeAndGo) {
  put(901, "relay.example");
  change("PATCH", "/regions/901", {{"score", 0.5}});
  const auto& scores = client.state.netmap.derp_map->home_params->region_score;
  EXPECT_EQ(scores->at(901), 0.5);
  change("PATCH", "/regions/901", {{"score", 1}});
  EXPECT_THAT(*client.state.netmap.derp_map->home_params->region_score, IsEmpty());
  change("PATCH", "/regions/901", {{"score", 0}}, 400);
  change("PATCH", "/regions/901", {{"score", "low"}}, 400);
  change("PATCH", "/regions/77", {{"score", 2}}, 404);
}

TEST_F(Relays, MapsElsewhereAreFetchedEveryDayAndOutliveFailures) {
  change("POST", "/sources", {{"url", kUrl}});
  EXPECT_THAT(fetches, ElementsAre(kUrl));
  fetches.clear();
  advance(std::chrono::hours(1));
  EXPECT_THAT(fetches, IsEmpty()) << "it is being fetched";
  fetched(std::string(kMap));
  EXPECT_THAT(told(client), ElementsAre(1, 2, 900));
  advance(std::chrono::hours(23));
  EXPECT_THAT(fetches, IsEmpty());
  advance(std::chrono::hours(1));
  EXPECT_THAT(fetches, ElementsAre(kUrl));
  for (const relays::Fetched& bad :
       {relays::Fetched(relays::NoMap{"connection refused"}),
        relays::Fetched(std::string("<html>")), relays::Fetched(std::string("{}"))}) {
    fetches.clear();
    fetched(bad);
    EXPECT_THAT(told(client), ElementsAre(1, 2, 900)) << "what was known stays";
    const Json source = api("GET", "/api/v2/derp").at("sources").at(0);
    EXPECT_NE(source.at("trouble"), "");
    EXPECT_NE(source.at("fetched"), "");
    advance(std::chrono::minutes(11));
    EXPECT_THAT(fetches, ElementsAre(kUrl)) << "it is tried again soon";
  }
  fetched(std::string(kMap));
  EXPECT_EQ(api("GET", "/api/v2/derp").at("sources").at(0).at("trouble"), "");
  change("POST", "/sources", {{"url", kUrl}}, 409);
  change("POST", "/sources", {{"url", "ftp://x"}}, 400);
  change("DELETE", std::string("/sources?url=") + kUrl);
  EXPECT_THAT(told(client), ElementsAre(900));
  fetched(std::string(kMap));  // which was under way
  EXPECT_THAT(told(client), ElementsAre(900));
}

TEST_F(Relays, ANetworkHasItsOwn) {
  api("POST", "/api/v2/accounts", {{"name", "second"}});
  put(901, "relay.example");
  set_policy(
      {{"derpMap",
        {{"omitDefaultRegions", true},
         {"Regions",
          {{"910", {{"Nodes", {{{"HostName", "ours.example"}}}}}}, {"901", nullptr}}}}}});
  EXPECT_THAT(told(client), ElementsAre(910));
  const Json map = api("GET", "/api/v2/tailnet/-/derp-map");
  EXPECT_EQ(map.at("Regions").size(), 1u);
  EXPECT_EQ(api("GET", "/api/v2/tailnet/second/derp-map").at("Regions").size(), 2u);
  client.received.clear();
  set_policy({{"derpMap", {{"Regions", {{"901", nullptr}}}}}});
  EXPECT_THAT(told(client), ElementsAre(900));
  set_policy({{"derpMap", {{"Regions", {{"910", {{"Nodes", Json::array()}}}}}}}}, 400);
}

TEST_F(Relays, BelongToWhoeverRunsTheServer) {
  const Json token =
      api("POST", "/api/v2/tailnet/-/keys",
          {{"keyType", "api"}, {"expirySeconds", 86400}, {"description", "t"}});
  authorization = "Bearer " + token.at("key").get<std::string>();
  EXPECT_EQ(api("GET", "/api/v2/derp").at("regions").at(0).at("source"), "built-in");
  put(901, "relay.example", 403);
  change("PATCH", "/regions/900", {{"enabled", false}}, 403);
  change("POST", "/sources", {{"url", kUrl}}, 403);
  change("POST", "/regions", Json::parse(kMap), 403);
  change("DELETE", "/regions/900", {}, 403);
}

TEST_F(Relays, AWholeMapIsEnteredOrNothingOfIt) {
  Json map = Json::parse(kMap);
  change("POST", "/regions", map);
  EXPECT_THAT(told(client), ElementsAre(1, 2, 900));
  map["Regions"]["3"] = {{"Nodes", {{{"HostName", "a b"}}}}};
  map["Regions"]["4"] = {{"Nodes", {{{"HostName", "four.example"}}}}};
  change("POST", "/regions", map, 400);
  EXPECT_THAT(told(client), ElementsAre(1, 2, 900));
  put(900, "elsewhere.example", 409);
  change("PUT", "/regions/5", {{"Nodes", {{{"Name", "1a"}, {"HostName", "five.example"}}}}}, 409);
  const Json log =
      api("GET",
          "/api/v2/tailnet/-/logging/"
          "configuration?start=2026-01-01T00:00:00Z&end=2027-01-01T00:00:00Z");
  const Json& last = log.at("logs").back();
  EXPECT_EQ(last.at("target").at("type"), "DERP_MAP") << last;
}

}  // namespace
}  // namespace aya::serve
