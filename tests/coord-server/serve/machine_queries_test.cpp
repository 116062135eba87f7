// The smaller questions of nodes, and the server's questions to them (control 4.2, 4.5).
#include "proto/http/http1_parser.h"
#include "proto/http/http1_writer.h"
#include "tests/coord-server/serve/bench.h"

namespace aya::serve {
namespace {

class MachineQueries : public Bench {
 protected:
  MachineAnswer ask(const Machine& m, const std::string& path, Json body) {
    body["NodeKey"] = m.key.to_text();
    return send(m, path, body.dump());
  }
  static Json json_of(const MachineAnswer& answer) {
    return Json::parse(as_text(answer.response.body), nullptr, false);
  }

  // What the server asked of it since the last call, answered as a client would, or not at all.
  std::size_t questions(Machine& m, bool answers) {
    std::size_t count = 0;
    for (const control::MapResponse& message : std::exchange(m.received, {})) {
      if (!message.ping_request) continue;
      ++count;
      EXPECT_TRUE(message.keep_alive);
      EXPECT_EQ(message.ping_request->types, "c2n");
      if (!answers) continue;
      http::RequestParser parser;
      EXPECT_TRUE(parser.feed(message.ping_request->payload));
      EXPECT_TRUE(parser.complete());
      http::Response echo;
      echo.body = parser.take().body;
      Buffer bytes;
      http::write_response(echo, bytes);
      const std::string url = message.ping_request->url;
      EXPECT_TRUE(url.starts_with("https://"));
      const std::string path = url.substr(url.find('/', 8));
      EXPECT_EQ(send(m, path, std::string(as_text(bytes))).response.status, 200);
      EXPECT_NE(send(m, path, std::string(as_text(bytes))).response.status, 200) << "good once";
    }
    return count;
  }

  Machine& router(const std::string& name) {
    Machine& m = machine(name);
    m.offered = {*Prefix::parse("192.0.2.0/24")};
    send_register(m, register_request(m, auth_key()));
    poll(m);
    api("POST", device(m) + "/routes", {{"routes", {"192.0.2.0/24"}}});
    return m;
  }
  bool carries(const Machine& viewer, const Machine& m) {
    const control::Node* seen = peer(viewer, m);
    return seen != nullptr && !seen->primary_routes.empty();
  }
  // Time passes, and whoever is asked answers.
  void live(Duration span, const std::vector<Machine*>& alive) {
    for (; span > 0s; span -= 1s) {
      advance(1s);
      for (Machine* m : alive) questions(*m, true);
    }
  }
};

TEST_F(MachineQueries, SaysWhetherAFeatureIsThere) {
  Machine& a = joined("alpha");
  EXPECT_EQ(json_of(ask(a, "/machine/feature/query", {{"Feature", "serve"}}))["Complete"], true);
  const Json funnel = json_of(ask(a, "/machine/feature/query", {{"Feature", "funnel"}}));
  EXPECT_FALSE(funnel.contains("Complete"));
  EXPECT_NE(funnel["Text"].get<std::string>().find("ingress"), std::string::npos);
}

TEST_F(MachineQueries, AnswersOnlyForNodesOfTheMachineThatAsks) {
  Machine& a = joined("alpha");
  Machine& b = joined("beta");
  for (const char* path : {"/machine/feature/query", "/machine/audit-log", "/machine/set-dns"}) {
    EXPECT_EQ(send(a, path, Json{{"NodeKey", b.key.to_text()}}.dump()).response.status, 404);
    EXPECT_EQ(send(a, path, "{}").response.status, 404) << path;
    EXPECT_EQ(send(a, path, "[").response.status, 400) << path;
  }
  EXPECT_EQ(ask(a, "/machine/update-health", {{"Subsys", "router"}}).response.status, 204);
}

TEST_F(MachineQueries, WritesDownThatAPersonLeft) {
  Machine& a = joined("alpha");
  const Json said = {{"Action", "DISCONNECT_NODE"}, {"Details", "travelling"}};
  EXPECT_EQ(ask(a, "/machine/audit-log", said).response.status, 200);
  EXPECT_EQ(ask(a, "/machine/audit-log", {{"Action", "X"}}).response.status, 400);
  const auto log = storage->audit_log(node(a).account(), {}, 1);
  ASSERT_TRUE(log && log->size() == 1u);
  EXPECT_EQ(log->front().action, "DISCONNECT_NODE");
  EXPECT_EQ(log->front().details, "travelling");
  EXPECT_EQ(log->front().target_id, node(a).record.stable_id);
}

TEST_F(MachineQueries, RefusesNamesOfOthersAndSaysThatThereIsNoZone) {
  Machine& a = joined("alpha");
  Json wish = {{"Type", "TXT"}, {"Name", "_acme-challenge.beta.default.mesh.test"}, {"Value", "x"}};
  EXPECT_EQ(ask(a, "/machine/set-dns", wish).response.status, 403);
  wish["Name"] = "_acme-challenge.alpha.default.mesh.test";
  EXPECT_EQ(ask(a, "/machine/set-dns", wish).response.status, 501);
}

TEST_F(MachineQueries, AMachineMaySayOfItselfWhatAPolicyAsksFor) {
  Machine& a = joined("alpha");
  Machine& b = joined("beta");
  api_text(
      "POST", "/api/v2/tailnet/-/acl",
      R"({"postures": {"posture:sealed": ["self:sealed == true"]},
          "grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"], "srcPosture": ["posture:sealed"]}]})");
  ASSERT_EQ(reply.status, 200);
  advance(1s);
  EXPECT_EQ(peer(b, a), nullptr);
  const auto set = [&](const Json& update) {
    const Json body = {{"Version", 116}, {"NodeKey", a.key.to_text()}, {"Update", update}};
    Coordinator::Effects effects;
    const auto answer = coordinator->on_machine(
        http_request("PATCH", "/machine/set-device-attr", body.dump()), a.machine,
        mapper::StreamId{++last_stream}, now, wall, effects);
    return answer.response.status;
  };
  EXPECT_EQ(set({{"self:sealed", true}, {"self:score", 7}, {"self:site", "attic"}}), 200);
  advance(1s);
  EXPECT_NE(peer(b, a), nullptr);
  const auto log = storage->audit_log(node(a).account(), {}, 1);
  ASSERT_TRUE(log && log->size() == 1u);
  EXPECT_EQ(log->front().property, "POSTURE_ATTRIBUTES");
  EXPECT_NE(log->front().actor.find(node(a).record.stable_id), std::string::npos);
  const Json shown = api("GET", device(a) + "/attributes").at("attributes");
  EXPECT_EQ(shown["self:score"], 7);
  EXPECT_EQ(shown["self:site"], "attic");

  for (const char* name : {"custom:tier", "node:os", "self:", "self:a-b", "tier"}) {
    EXPECT_EQ(set({{name, "x"}, {"self:score", 8}}), 403) << name;
  }
  EXPECT_EQ(set({{"self:score", Json::array()}}), 400);
  EXPECT_EQ(set(Json::array()), 400);
  EXPECT_EQ(api("GET", device(a) + "/attributes")["attributes"]["self:score"], 7);
  Json many;
  for (int i = 0; i < 30; ++i) many["self:x" + std::to_string(i)] = i;
  EXPECT_EQ(set(many), 400);
  EXPECT_EQ(set({{"self:sealed", nullptr}}), 200);
  advance(1s);
  EXPECT_EQ(peer(b, a), nullptr);
  api("DELETE", device(a) + "/attributes/self:score");
  EXPECT_EQ(reply.status, 200);
  api("POST", device(a) + "/attributes/self:score", {{"value", 1}});
  EXPECT_EQ(reply.status, 400) << "nobody says it for the machine";
}

TEST_F(MachineQueries, KeepsWhatADaemonComplainsAboutInBounds) {
  Machine& a = joined("alpha");
  const auto health = [&] {
    return api("GET", device(a) + "?fields=all").at("ayatori").at("health");
  };
  ask(a, "/machine/update-health", {{"Subsys", "router"}, {"Error", "no route"}});
  EXPECT_EQ(health(), Json({{"router", "no route"}}));
  ask(a, "/machine/update-health", {{"Subsys", "router"}, {"Error", ""}});
  EXPECT_TRUE(health().empty());
  for (int i = 0; i < 100; ++i) {
    ask(a, "/machine/update-health",
        {{"Subsys", std::to_string(i)}, {"Error", std::string(5000, 'x')}});
  }
  EXPECT_EQ(health().size(), nodes::Registry::kMostComplaints);
  EXPECT_EQ(health()["0"].get<std::string>().size(), nodes::Registry::kLongestComplaint);
}

TEST_F(MachineQueries, TellsAMachineWhoItIs) {
  Machine& a = joined("alpha");
  Coordinator::Effects effects;
  const auto answer = coordinator->on_machine(
      http_request("GET", "/machine/whoami", ""), a.machine, mapper::StreamId{++last_stream}, now,
      wall, effects);
  const Json told = json_of(answer);
  ASSERT_EQ(told["Nodes"].size(), 1u);
  EXPECT_EQ(told["Nodes"][0]["Name"], "alpha.default.mesh.test.");
}

TEST_F(MachineQueries, AsksThoseWhoCarryTrafficAndNobodyElse) {
  Machine& a = joined("alpha");
  Machine& r = router("router");
  a.received.clear();
  r.received.clear();
  advance(CarrierHealth::kEvery + 1s);
  EXPECT_EQ(questions(a, true), 0u);
  EXPECT_GE(questions(r, true), 1u);
}

TEST_F(MachineQueries, MovesARouteAwayFromARouterThatDoesNotAnswerAnyMore) {
  Machine& a = joined("alpha");
  Machine& first = router("first");
  Machine& second = router("second");
  live(12s, {&first, &second});
  ASSERT_TRUE(carries(a, first) && !carries(a, second));
  live(CarrierHealth::kEvery + CarrierHealth::kPatience + 1s, {&second});
  EXPECT_TRUE(!carries(a, first) && carries(a, second));
  EXPECT_EQ(peer(a, first)->online, false);
  first.received.clear();  // what it is asked too late to answer
  // It wakes up: it is there, and the route stays where it is.
  live(CarrierHealth::kEvery + 2s, {&first, &second});
  EXPECT_EQ(peer(a, first)->online, true);
  EXPECT_TRUE(carries(a, second));
}

TEST_F(MachineQueries, LeavesARouterInPeaceThatNeverAnswered) {
  Machine& a = joined("alpha");
  Machine& mute = router("mute");
  live(30s, {});
  EXPECT_EQ(peer(a, mute)->online, true);
  EXPECT_TRUE(carries(a, mute));
}

TEST_F(MachineQueries, TakesAnAnswerFromTheMachineThatWasAskedOnly) {
  Machine& a = joined("alpha");
  Machine& r = router("router");
  r.received.clear();
  advance(CarrierHealth::kEvery + 1s);
  std::string path;
  for (const auto& message : r.received) {
    if (message.ping_request) path = message.ping_request->url.substr(23);
  }
  ASSERT_TRUE(path.starts_with("/machine/c2n/")) << path;
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  EXPECT_EQ(send(a, path, answer).response.status, 501);
  EXPECT_EQ(send(r, path, answer).response.status, 200);
}

}  // namespace
}  // namespace aya::serve
