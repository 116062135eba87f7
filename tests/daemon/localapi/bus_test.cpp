// What watchers are told and when, on a clock of our own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/localapi/local_api.h"
#include "tests/support/seeded_rng.h"
#include "tests/support/recorded_host.h"

namespace aya::test {
namespace {

using localapi::ExchangeId;
using localapi::LocalApi;
using testing::ElementsAre;

class Watched : public testing::Test {
 protected:
  void watch(std::uint64_t id, std::uint64_t mask) {
    http::Request request;
    request.target = "/localapi/v0/watch-ipn-bus?mask=" + std::to_string(mask);
    api.handle(ExchangeId{id}, request, {.uid = 0}, now, effects);
  }
  // The names of the set fields that a watcher was told since the last call, line by line.
  std::vector<std::string> told(std::uint64_t id) {
    std::vector<std::string> lines;
    for (const auto& line : effects.lines) {
      if (line.to != ExchangeId{id}) continue;
      std::string fields;
      const Json notify = Json::parse(line.json);
      for (const auto& field : notify.items()) {
        if (field.key() == "Version" || field.value().is_null()) continue;
        fields += (fields.empty() ? "" : " ") + field.key();
      }
      lines.push_back(fields);
    }
    return lines;
  }
  void advance(Duration by) {
    now += by;
    api.advance(now, effects);
  }

  RecordedHost host;
  SeededRng rng;
  LocalApi api{host, rng, {.version = "1.0", .capability_version = 130, .own_uid = 0}};
  localapi::LocalEffects effects;
  TimePoint now{};
};

TEST_F(Watched, AChangeReachesEveryoneAndPeersOnlyThoseWhoAskedForThem) {
  watch(1, 0);
  watch(2, local::kWatchPeerChanges);
  effects.clear();
  local::Notify change;
  change.state = local::BackendState::Running;
  change.peers_removed = {4};
  api.announce(change, effects);
  EXPECT_THAT(told(1), ElementsAre("State"));
  EXPECT_THAT(told(2), ElementsAre("PeersRemoved State"));
}

TEST_F(Watched, NobodyIsToldNothing) {
  watch(1, 0);
  local::Notify change;
  change.peers_removed = {4};
  api.announce(change, effects);
  EXPECT_TRUE(effects.lines.empty());
}

TEST_F(Watched, MapsGoOutAtMostEveryThreeSeconds) {
  watch(1, local::kWatchInitialNetMap);
  watch(2, local::kWatchInitialNetMap | local::kWatchNoNetMap);
  host.self.text = "{\"ID\":1}";
  host.map.text = "{\"Peers\":[]}";
  api.net_map_changed(now, effects);
  EXPECT_THAT(told(1), ElementsAre("SelfChange", "NetMap SelfChange"));
  EXPECT_THAT(told(2), ElementsAre("SelfChange"));
  effects.clear();
  api.net_map_changed(now, effects);
  EXPECT_THAT(told(1), ElementsAre("SelfChange"));
  ASSERT_TRUE(api.next_deadline());
  EXPECT_EQ(*api.next_deadline(), now + 3s);
  effects.clear();
  advance(3s);
  EXPECT_THAT(told(1), ElementsAre("NetMap SelfChange"));
  EXPECT_FALSE(api.next_deadline());
}

TEST_F(Watched, EngineUpdatesCostNothingWhenNobodyWantsThem) {
  EXPECT_FALSE(api.next_deadline());
  watch(1, local::kWatchEngineUpdates);
  advance(2s);
  EXPECT_THAT(told(1), ElementsAre("Engine"));
  api.closed(ExchangeId{1});
  advance(2s);
  EXPECT_FALSE(api.next_deadline());
  EXPECT_EQ(api.watchers(), 0u);
}

TEST_F(Watched, WhoComesLateStillLearnsWhereToLogIn) {
  host.now.backend_state = local::BackendState::NeedsLogin;
  host.now.auth_url = "https://mesh.example/register/1";
  watch(1, local::kWatchInitialState);
  EXPECT_THAT(told(1), ElementsAre("BrowseToURL SessionID State"));
}

TEST_F(Watched, EditedPrefsAreAnnounced) {
  watch(1, 0);
  http::Request edit;
  edit.method = "PATCH";
  edit.target = "/localapi/v0/prefs";
  append(edit.body, as_bytes("{\"ShieldsUpSet\":true,\"ShieldsUp\":true}"));
  api.handle(ExchangeId{2}, edit, {.uid = 0}, now, effects);
  EXPECT_TRUE(host.kept.shields_up);
  EXPECT_THAT(told(1), ElementsAre("Prefs"));
}

TEST_F(Watched, CallersWithoutANameMayOnlyRead) {
  http::Request request;
  request.target = "/localapi/v0/logout";
  request.method = "POST";
  api.handle(ExchangeId{1}, request, {.uid = std::nullopt}, now, effects);
  EXPECT_EQ(effects.answers.back().response.status, 403);
  request = {};
  request.target = "/localapi/v0/status";
  api.handle(ExchangeId{2}, request, {.uid = std::nullopt}, now, effects);
  EXPECT_EQ(effects.answers.back().response.status, 200);
  EXPECT_TRUE(host.called.empty());
}

TEST_F(Watched, ALateAnswerToNobodyIsDropped) {
  http::Request request;
  request.target = "/localapi/v0/ping?ip=100.64.0.2&type=disco";
  request.method = "POST";
  api.handle(ExchangeId{1}, request, {.uid = 0}, now, effects);
  EXPECT_TRUE(effects.answers.empty());
  api.closed(ExchangeId{1});
  api.ping_done(ExchangeId{1}, {}, effects);
  EXPECT_TRUE(effects.answers.empty());
}

// Every frame that was recorded on a bus reads back as what it says.
TEST(RecordedFrames, AreReadByTheCommandLine) {
  std::size_t frames = 0;
  for (const Json& one : vector_cases("cli", "localapi.json")) {
    for (const Json& frame : one.at("response").value("frames", Json::array())) {
      const auto read = local::parse_notify(frame.dump());
      ASSERT_TRUE(read) << one.at("name");
      EXPECT_EQ(read->login_finished, !frame.at("LoginFinished").is_null());
      EXPECT_EQ(read->browse_to_url.has_value(), !frame.at("BrowseToURL").is_null());
      ASSERT_EQ(read->state.has_value(), !frame.at("State").is_null());
      if (read->state) {
        EXPECT_EQ(static_cast<int>(*read->state), frame.at("State").get<int>());
      }
      ++frames;
    }
  }
  EXPECT_GE(frames, 50u);
}

}  // namespace
}  // namespace aya::test
