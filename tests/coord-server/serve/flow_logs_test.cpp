// Flow logs end to end: who is asked to count, whose reports are taken, and what is shown of them.
#include "coord-server/log_streams/log_streams.h"
#include "coord-server/serve/flow_reports.h"
#include "tests/coord-server/serve/flow_bench.h"

namespace aya::serve {
namespace {

using delivery::Answered;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kNetworkLog = "/api/v2/tailnet/-/logging/network";
constexpr const char* kNetworkStream = "/api/v2/tailnet/-/logging/network/stream";

class FlowLogs : public FlowBench<Bench> {
 protected:
  Json log(const std::string& start, const std::string& end, const std::string& more = "") {
    return api("GET", kNetworkLog + ("?start=" + start + "&end=" + end + more));
  }
  Json whole_log() { return log("2020-01-01T00:00:00Z", "2040-01-01T00:00:00Z"); }
  std::string page() { return coordinator->metrics({}, wall); }
};

TEST_F(FlowLogs, AreAskedForLiveAndOnlyOfNodesThatCan) {
  Machine& ours = counting("ours");
  Machine& stock = joined("stock");
  EXPECT_FALSE(counts(ours));
  advance(1s);
  ours.received.clear();
  stock.received.clear();
  switch_logging(true);
  EXPECT_TRUE(counts(ours));
  EXPECT_THAT(ours.received, SizeIs(1));
  EXPECT_THAT(stock.received, IsEmpty()) << "nothing changes for others";
  Machine& later = counting("later");
  EXPECT_TRUE(counts(later));
  advance(1s);
  stock.received.clear();
  switch_logging(false);
  EXPECT_FALSE(counts(ours));
  EXPECT_FALSE(counts(later));
  EXPECT_THAT(stock.received, IsEmpty());
  const auto* shown = peer(stock, ours);
  ASSERT_NE(shown, nullptr);
  EXPECT_FALSE(control::counts_flows(*shown->hostinfo)) << "is nobody else's business";
}

TEST_F(FlowLogs, AreNotUpToThePolicy) {
  api_text(
      "POST", "/api/v2/tailnet/-/acl",
      R"({"nodeAttrs": [{"target": ["*"], "attr": ["ayatori/flow-logs",
          "https://tailscale.com/cap/data-plane-audit-logs"]}]})");
  Machine& ours = counting("ours");
  Machine& stock = joined("stock");
  EXPECT_FALSE(counts(ours));
  switch_logging(true);
  EXPECT_TRUE(counts(ours));
  EXPECT_FALSE(counts(stock));
  for (const Machine* m : {&ours, &stock}) {
    EXPECT_FALSE(
        m->state.netmap.self.cap_map.contains("https://tailscale.com/cap/data-plane-audit-logs"));
  }
}

TEST_F(FlowLogs, AreShownAsTheyWereTold) {
  Machine& web = counting("web");
  switch_logging(true);
  EXPECT_THAT(whole_log(), Json({{"logs", Json::array()}}));
  control::FlowWindow full = window();
  full.subnet = {
      {17, *Endpoint::parse("100.64.0.11:40001"), *Endpoint::parse("10.77.0.5:53"),
       {1, 70, 1, 130}}};
  full.internet = {{0, {}, {}, {3, 300, 0, 0}}};
  full.outer = {
      {0, *Endpoint::parse("100.64.0.12:0"), *Endpoint::parse("198.51.100.7:41641"),
       {10, 1500, 8, 9600}}};
  EXPECT_EQ(told(web, 0, {full}), 200);
  const Json got = whole_log();
  EXPECT_EQ(got.size(), 1u);
  EXPECT_EQ(as_text(reply.body).substr(0, 9), "{\"logs\":[");
  EXPECT_EQ(
      got.at("logs").at(0),
      Json::parse(
          R"({"logged":")" + to_rfc3339(wall) + R"(","nodeId":")" + node(web).record.stable_id +
          R"(","start":")" + to_rfc3339(wall - 5s) + R"(","end":")" + to_rfc3339(wall) +
          R"(","virtualTraffic":[{"proto":6,"src":"100.64.0.11:40000","dst":"100.64.0.12:5432",
              "txPkts":10,"txBytes":1200,"rxPkts":8,"rxBytes":9000}],
            "subnetTraffic":[{"proto":17,"src":"100.64.0.11:40001","dst":"10.77.0.5:53",
              "txPkts":1,"txBytes":70,"rxPkts":1,"rxBytes":130}],
            "exitTraffic":[{"txPkts":3,"txBytes":300}],
            "physicalTraffic":[{"src":"100.64.0.12:0","dst":"198.51.100.7:41641","txPkts":10,
              "txBytes":1500,"rxPkts":8,"rxBytes":9600}]})"));
  EXPECT_THAT(page(), HasSubstr("ayatori_coord_flow_reports_total{result=\"stored\"} 1\n"));
  EXPECT_THAT(page(), HasSubstr("ayatori_coord_flow_windows_total 1\n"));
}

TEST_F(FlowLogs, AreAskedForByTimeAndNode) {
  Machine &web = counting("web"), &db = counting("db");
  switch_logging(true);
  const WallTime began = wall;
  std::uint64_t number = 0;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(told(web, number, {window()}), 200);
    EXPECT_EQ(told(db, number++, {window()}), 200);
    advance(5s);
  }
  EXPECT_THAT(whole_log().at("logs"), SizeIs(6));
  const auto at = [&](int seconds) { return to_rfc3339(began + std::chrono::seconds(seconds)); };
  EXPECT_THAT(log(at(-5), at(0)).at("logs"), SizeIs(2));
  EXPECT_THAT(log(at(0), at(5)).at("logs"), SizeIs(2)) << "pieces do not overlap";
  EXPECT_THAT(log(at(6), at(100)).at("logs"), IsEmpty());
  EXPECT_THAT(
      log(at(-5), at(100), "&node=" + node(db).record.stable_id).at("logs"), SizeIs(3));
  std::vector<std::string> starts;
  const Json all = whole_log();
  for (const Json& line : all.at("logs")) starts.push_back(line.at("start"));
  EXPECT_TRUE(std::ranges::is_sorted(starts));
  for (const char* bad :
       {"", "?start=2026-01-01T00:00:00Z", "?start=now&end=2026-01-01T00:00:00Z"}) {
    api("GET", kNetworkLog + std::string(bad));
    EXPECT_EQ(reply.status, 400) << bad;
  }
}

TEST_F(FlowLogs, AreTakenOnce) {
  Machine& web = counting("web");
  switch_logging(true);
  EXPECT_EQ(told(web, 0, {window(), window()}), 200);
  start();  // killed before the node heard so
  announce(web);
  EXPECT_EQ(told(web, 0, {window(), window()}), 200);
  EXPECT_EQ(told(web, 1, {window(), window()}), 200);
  EXPECT_THAT(whole_log().at("logs"), SizeIs(3));
}

TEST_F(FlowLogs, AreTakenOnlyWhileTheyAreWanted) {
  Machine& web = counting("web");
  EXPECT_EQ(told(web, 0, {window()}), 403);
  switch_logging(true);
  EXPECT_EQ(told(web, 0, {window()}), 200);
  switch_logging(false);
  EXPECT_EQ(told(web, 1, {window()}), 403);
  EXPECT_THAT(whole_log().at("logs"), SizeIs(1)) << "what is there stays";
  EXPECT_THAT(page(), HasSubstr("ayatori_coord_flow_reports_total{result=\"off\"} 2\n"));
}

TEST_F(FlowLogs, AreTakenOfANodeItselfOnly) {
  Machine &web = counting("web"), &mallory = counting("mallory");
  switch_logging(true);
  control::FlowReport report{web.key, "a1", 0, {window()}};
  EXPECT_EQ(send(mallory, control::kFlowReportPath, control::encode(report)).response.status, 403);
  EXPECT_THAT(whole_log().at("logs"), IsEmpty());
}

TEST_F(FlowLogs, GarbageIsRefusedAndCounted) {
  Machine& web = counting("web");
  switch_logging(true);
  control::FlowWindow future = window();
  future.end = wall + std::chrono::hours(1);
  future.start = wall + std::chrono::hours(1) - 5s;
  const auto answer = tell(web, 0, {window(), future});
  EXPECT_EQ(answer.response.status, 400);
  EXPECT_THAT(std::string(as_text(answer.response.body)), HasSubstr("future"));
  EXPECT_EQ(send(web, control::kFlowReportPath, "{").response.status, 400);
  EXPECT_EQ(send(web, control::kFlowReportPath, "").response.status, 400);
  EXPECT_THAT(whole_log().at("logs"), IsEmpty()) << "none of a report that is bad";
  EXPECT_THAT(page(), HasSubstr("ayatori_coord_flow_reports_total{result=\"bad\"} 3\n"));
}

TEST_F(FlowLogs, AreNotTakenAsOftenAsSomebodyLikes) {
  Machine& web = counting("web");
  switch_logging(true);
  int status = 200;
  std::uint64_t number = 0;
  MachineAnswer last;
  for (; status == 200 && number < 100; status = last.response.status) {
    last = tell(web, number++, {window()});
  }
  EXPECT_EQ(status, 429);
  EXPECT_EQ(number, FlowReports::kRate.burst + 1);
  EXPECT_EQ(last.response.headers.get("Retry-After"), "5");
  Machine& other = counting("other");
  EXPECT_EQ(told(other, 0, {window()}), 200);
  advance(5s);
  EXPECT_EQ(told(web, number, {window()}), 200);
}

TEST_F(FlowLogs, NeedTheirScope) {
  const auto token = [&](const Json& scopes) {
    authorization.clear();
    const Json client =
        api("POST", "/api/v2/tailnet/-/keys", {{"keyType", "client"}, {"scopes", scopes}});
    authorization = "none";
    const Json access = api_text(
        "POST", "/api/v2/oauth/token", "client_secret=" + client.at("key").get<std::string>());
    authorization = "Bearer " + access.at("access_token").get<std::string>();
  };
  token({"logs:configuration"});
  whole_log();
  EXPECT_EQ(reply.status, 403);
  token({"logs:network:read"});
  whole_log();
  EXPECT_EQ(reply.status, 200);
}

TEST_F(FlowLogs, StayWhenTheirNodeIsRemovedAndGoWithTheirNetwork) {
  api("POST", "/api/v2/accounts", {{"name", "lab"}, {"owner", "dora"}});
  Machine& web = counting("web");
  switch_logging(true);
  EXPECT_EQ(told(web, 0, {window()}), 200);
  EXPECT_THAT(
      api("GET",
          kNetworkLog +
              std::string("?account=lab&start=2020-01-01T00:00:00Z&end=2040-01-01T00:00:00Z"))
          .at("logs"),
      IsEmpty());
  const store::AccountId account = node(web).account();
  api("DELETE", device(web));
  EXPECT_THAT(whole_log().at("logs"), SizeIs(1));
  api("DELETE", "/api/v2/accounts/1");
  ASSERT_EQ(reply.status, 200) << as_text(reply.body);
  advance(std::chrono::minutes(3));
  const store::FlowQuery all{WallTime{}, wall, ""};
  EXPECT_EQ(storage->size_of_flows(account, all)->rows, 0u);
}

TEST_F(FlowLogs, AreStreamedAsTheyCome) {
  Machine& web = counting("web");
  switch_logging(true);
  EXPECT_EQ(told(web, 0, {window(1)}), 200);  // is no news
  api("PUT", kNetworkStream,
      {{"destinationType", "splunk"}, {"url", "https://splunk.example"}, {"token", "t"}});
  ASSERT_EQ(reply.status, 200);
  EXPECT_THAT(posts, IsEmpty());
  EXPECT_EQ(told(web, 1, {window(2), window(3)}), 200);
  ASSERT_THAT(posts, SizeIs(1));
  const auto sent = [&] {
    std::vector<std::uint64_t> out;
    std::istringstream body{std::string(as_text(posts.front().message.body))};
    for (std::string row; std::getline(body, row);) {
      const Json event = Json::parse(row).at("event");
      EXPECT_EQ(event.at("nodeId"), node(web).record.stable_id);
      out.push_back(event.at("virtualTraffic").at(0).at("txBytes"));
    }
    return out;
  };
  EXPECT_THAT(sent(), ElementsAre(2u, 3u));
  // Nobody answers, and the power goes.
  answer_post(Answered{503});
  EXPECT_EQ(told(web, 3, {window(4)}), 200);
  posts.clear();
  start();
  announce(web);
  advance(std::chrono::minutes(1));
  ASSERT_THAT(posts, SizeIs(1));
  EXPECT_THAT(sent(), ElementsAre(2u, 3u, 4u));
  answer_post(Answered{200});
  const Json state = api("GET", kNetworkStream + std::string("/status"));
  EXPECT_EQ(state.at("ayatori").at("collected"), true);
  EXPECT_EQ(state.at("lastError"), "");
  EXPECT_EQ(state.at("numEntriesSent"), 3);
  // Some seconds of a busy network travel together.
  EXPECT_EQ(told(web, 4, {window(5)}), 200);
  EXPECT_THAT(posts, IsEmpty());
  advance(2s);
  EXPECT_EQ(told(web, 5, {window(6)}), 200);
  advance(3s);
  ASSERT_THAT(posts, SizeIs(1));
  EXPECT_THAT(sent(), ElementsAre(5u, 6u));
}

TEST_F(FlowLogs, AStreamToWhereNothingCanBeSentSaysSo) {
  Machine& web = counting("web");
  switch_logging(true);
  api("PUT", kNetworkStream,
      {{"destinationType", "gcs"}, {"gcsBucket", "logs"}, {"gcsCredentials", "{}"}});
  ASSERT_EQ(reply.status, 200);
  EXPECT_EQ(told(web, 0, {window()}), 200);
  advance(std::chrono::minutes(10));
  EXPECT_THAT(posts, IsEmpty());
  EXPECT_THAT(
      api("GET", kNetworkStream + std::string("/status")).at("lastError"),
      HasSubstr("cannot sign"));
}

}  // namespace
}  // namespace aya::serve
