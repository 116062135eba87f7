// Notices of change (interfaces 1.14): what a console that shows a network is told, and what not.
#include <sstream>

#include "tests/coord-server/serve/bench.h"

namespace aya::serve {
namespace {

struct Notice {
  std::string event;
  Json data;
};

class ChangeFeedTest : public Bench {
 protected:
  mapper::StreamId watch(
      const std::string& account = "-", Entrance entrance = {true, "uid 0"},
      const std::string& query = "") {
    Coordinator::Effects effects;
    const mapper::StreamId fresh{++last_stream};
    http::Request request =
        http_request("GET", "/api/v2/tailnet/" + account + "/events" + query, "");
    if (!authorization.empty()) {
      entrance.admin_socket = false;
      request.headers.set("Authorization", authorization);
    }
    const auto answer =
        coordinator->on_api(request, entrance, fresh, /*takes_feed=*/true, now, wall, effects);
    EXPECT_TRUE(answer.response);
    reply = answer.response.value_or(http::Response{});
    began = answer.feed;
    return fresh;
  }

  // What this stream has brought since the last call.
  std::vector<Notice> heard(mapper::StreamId stream) {
    pump();
    std::vector<Notice> out;
    std::istringstream lines(std::exchange(feed_texts[stream], ""));
    std::string line, event;
    while (std::getline(lines, line)) {
      if (line.starts_with("event: ")) event = line.substr(7);
      if (line.starts_with(":")) out.push_back({"alive", {}});
      if (line.starts_with("data: ")) out.push_back({event, Json::parse(line.substr(6))});
    }
    return out;
  }
  std::vector<std::string> kinds(mapper::StreamId stream) {
    std::vector<std::string> out;
    for (const Notice& notice : heard(stream)) out.push_back(notice.event);
    return out;
  }

  bool began = false;
};

using testing::Contains;
using testing::ElementsAre;
using testing::Not;

TEST_F(ChangeFeedTest, AChangeIsToldByKindAndIdAlone) {
  Machine& alpha = joined("alpha");
  advance(1s);
  const auto stream = watch();
  EXPECT_TRUE(began);
  EXPECT_EQ(reply.headers.get("Content-Type"), "text/event-stream");
  EXPECT_EQ(reply.headers.get("ETag"), "");
  EXPECT_THAT(kinds(stream), ElementsAre("hello"));
  EXPECT_THAT(kinds(stream), ElementsAre());

  const std::string id = node(alpha).record.stable_id;
  api("POST", "/api/v2/device/" + id + "/name", {{"name", "secret-name"}});
  const auto told = heard(stream);
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0].event, "device");
  EXPECT_EQ(told[0].data["id"], id);
  EXPECT_GT(told[0].data["version"], 0);
  EXPECT_EQ(told[1].event, "audit");
  EXPECT_EQ(told[0].data.dump().find("secret"), std::string::npos);
}

TEST_F(ChangeFeedTest, HasNoPages) {
  watch("-", {true, "uid 0"}, "?limit=1");
  EXPECT_EQ(reply.status, 200);
  EXPECT_TRUE(began);
}

TEST_F(ChangeFeedTest, PolicyNamesAndRemovalHaveKindsOfTheirOwn) {
  Machine& alpha = joined("alpha");
  const std::string id = node(alpha).record.stable_id;
  const auto stream = watch();
  heard(stream);
  api("POST", "/api/v2/tailnet/-/acl", {{"acls", Json::array()}});
  EXPECT_THAT(kinds(stream), Contains("policy"));
  api("POST", "/api/v2/tailnet/-/dns/searchpaths", {{"searchPaths", {"corp.test"}}});
  EXPECT_THAT(kinds(stream), Contains("dns"));
  api("DELETE", "/api/v2/device/" + id);
  bool removed = false;
  for (const Notice& notice : heard(stream)) {
    removed |= notice.event == "device" && notice.data["id"] == id && notice.data["removed"] == true;
  }
  EXPECT_TRUE(removed);
}

TEST_F(ChangeFeedTest, EndpointsAreAboutThePathOnly) {
  Machine& alpha = joined("alpha");
  advance(1s);
  const auto stream = watch();
  heard(stream);
  control::MapRequest request;
  request.version = 116;
  request.node_key = alpha.key;
  request.disco_key = alpha.disco;
  request.omit_peers = true;
  request.endpoints = {*Endpoint::parse("192.0.2.1:41641")};
  send(alpha, "/machine/map", control::encode(request));
  const auto told = kinds(stream);
  EXPECT_THAT(told, Contains("path"));
  EXPECT_THAT(told, Not(Contains("device")));
}

TEST_F(ChangeFeedTest, AnotherAccountHearsNothing) {
  api("POST", "/api/v2/accounts", {{"name", "other"}, {"owner", "bob"}});
  ASSERT_EQ(reply.status, 200);
  Machine& alpha = joined("alpha");
  const auto theirs = watch("other");
  heard(theirs);
  api("POST", "/api/v2/device/" + node(alpha).record.stable_id + "/name", {{"name", "beta"}});
  EXPECT_THAT(kinds(theirs), ElementsAre());
}

TEST_F(ChangeFeedTest, SilenceIsBrokenAndAnHourIsTheLongest) {
  const auto stream = watch();
  heard(stream);
  now += ChangeFeed::kSayAliveEvery;
  EXPECT_THAT(kinds(stream), ElementsAre("alive"));
  EXPECT_FALSE(feeds_ended.contains(stream));
  now += ChangeFeed::kLongest;
  heard(stream);
  EXPECT_TRUE(feeds_ended.contains(stream));
}

TEST_F(ChangeFeedTest, WhoeverTakesWholeAnswersOrIsOneTooManyIsRefused) {
  api("GET", "/api/v2/tailnet/-/events");
  EXPECT_EQ(reply.status, 503);
  std::vector<mapper::StreamId> streams;
  for (std::size_t i = 0; i < ChangeFeed::kMostOfAccount; ++i) {
    streams.push_back(watch());
    EXPECT_TRUE(began);
  }
  watch();
  EXPECT_FALSE(began);
  EXPECT_EQ(reply.status, 503);
  coordinator->feed_closed(streams.back());
  watch();
  EXPECT_TRUE(began);
}

TEST_F(ChangeFeedTest, ItTakesTheRightToReadDevices) {
  const Json client = api(
      "POST", "/api/v2/tailnet/-/keys",
      {{"keyType", "api"}, {"user", "alice"}, {"description", "console"}});
  authorization = "Bearer " + client.at("key").get<std::string>();
  watch();
  EXPECT_TRUE(began);
  authorization = "Bearer aykey-api-nobody-nothing";
  watch();
  EXPECT_FALSE(began);
  EXPECT_EQ(reply.status, 401);
}

}  // namespace
}  // namespace aya::serve
