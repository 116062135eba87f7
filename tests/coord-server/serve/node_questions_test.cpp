// What the server asks nodes on behalf of administrators (control 4.5).
#include "tests/coord-server/serve/bench.h"

namespace aya::serve {
namespace {

class NodeQuestions : public Bench {
 protected:
  // The number under which the answer comes; what was answered at once is in `reply`.
  mapper::StreamId call(const std::string& target, const Json& body) {
    Coordinator::Effects effects;
    const mapper::StreamId fresh{++last_stream};
    auto ready = coordinator
                     ->on_api(
                         http_request("POST", target, body.dump()), {true, "uid 0"}, fresh,
                         /*takes_feed=*/false, now, wall, effects)
                     .response;
    deliver(effects);
    pump();
    reply = ready ? std::move(*ready) : http::Response();
    if (!ready) reply.status = 0;
    return fresh;
  }
  Json late(mapper::StreamId id) {
    return late_bodies.contains(id) ? Json::parse(late_bodies[id]) : Json();
  }
};

TEST_F(NodeQuestions, AnAdministratorSeesWhatTheNodeSays) {
  Machine& m = joined("alpha");
  m.received.clear();
  const auto waiting = call(device(m) + "/c2n", {{"path", "/debug/health"}});
  EXPECT_EQ(reply.status, 0) << "it has to be asked first";
  const auto asked = question(m);
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->request.method + ' ' + asked->request.target, "GET /debug/health");
  EXPECT_TRUE(late(waiting).is_null());
  EXPECT_EQ(answer(m, *asked, http::Response::text(200, "all well\n")), 200);
  EXPECT_EQ(late(waiting)["status"], 200);
  EXPECT_EQ(late(waiting)["body"], "all well\n");
  const auto log = storage->audit_log(node(m).account(), {}, 1);
  ASSERT_TRUE(log && log->size() == 1u);
  EXPECT_EQ(log->front().action + ' ' + log->front().property, "QUERY C2N");
  EXPECT_NE(log->front().new_value.find("/debug/health"), std::string::npos);
}

TEST_F(NodeQuestions, SilenceIsAnAnswerAfterAWhile) {
  Machine& m = joined("alpha");
  const auto waiting = call(device(m) + "/c2n", {{"path", "/echo"}});
  advance(ApiCalls::kPatience + 1s);
  EXPECT_EQ(late(waiting)["status"], 504);
  hang_up(m);
  advance(60s);
  call(device(m) + "/c2n", {{"path", "/echo"}});
  EXPECT_EQ(reply.status, 409) << "not connected";
}

TEST_F(NodeQuestions, OnlyWhatChangesNothingMayBeAsked) {
  Machine& m = joined("alpha");
  m.received.clear();
  call(device(m) + "/c2n", {{"path", "/update"}, {"method", "POST"}});
  EXPECT_EQ(reply.status, 403);
  for (const Json& body :
       {Json{{"path", "/logtail/flush"}}, Json{{"path", ""}}, Json{{"path", "/debug/../update"}},
        Json{{"path", "/echo?a b"}}, Json{{"path", "/debug/prefs"}, {"method", "POST"}},
        Json{{"path", "/echo"}, {"method", "PUT"}},
        Json{{"path", "/echo"}, {"body", std::string(5000, 'x')}}}) {
    call(device(m) + "/c2n", body);
    EXPECT_EQ(reply.status, 400) << body;
  }
  EXPECT_FALSE(question(m));
  api("POST", device(m) + "/c2n", {{"path", "/echo"}});
  EXPECT_EQ(reply.status, 409) << "a caller who cannot wait";
}

TEST_F(NodeQuestions, HardwareIsAskedForWhereTheAccountWantsToKnow) {
  Machine& m = joined("alpha");
  Machine& shy = joined("beta");
  const auto shown = [&](const Machine& of) {
    return api("GET", device(of) + "?fields=all").value("postureIdentity", Json());
  };
  m.received.clear();
  advance(1min);
  EXPECT_FALSE(question(m));
  api("PATCH", "/api/v2/tailnet/-/settings", {{"postureIdentityCollectionOn", true}});
  advance(1s);
  const auto asked = question(m);
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->request.path(), "/posture/identity");
  answer(
      m, *asked,
      http::Response::json(
          200, R"({"SerialNumbers":["X1"],"IfaceHardwareAddrs":["02:00:00:00:00:01"]})"));
  const auto other = question(shy);
  ASSERT_TRUE(other);
  answer(shy, *other, http::Response::json(200, R"({"PostureDisabled":true})"));
  EXPECT_EQ(
      shown(m),
      Json({{"serialNumbers", {"X1"}}, {"hardwareAddresses", {"02:00:00:00:00:01"}}}));
  EXPECT_EQ(shown(shy), Json({{"disabled", true}}));
  advance(1h);
  EXPECT_FALSE(question(m)) << "it has said so";
  EXPECT_TRUE(question(shy)) << "its owner may have changed their mind";
  advance(5h + 10s);
  EXPECT_TRUE(question(m));
  api("PATCH", "/api/v2/tailnet/-/settings", {{"postureIdentityCollectionOn", false}});
  advance(10s);
  EXPECT_TRUE(shown(m).is_null());
}

}  // namespace
}  // namespace aya::serve
