// Whole checks against STUN servers that answer as told, in virtual time.
#include "daemon/netcheck/net_check.h"

#include <gtest/gtest.h>

#include "tests/support/seeded_rng.h"

namespace aya::netcheck {
namespace {

struct Server {
  Duration latency{};
  Endpoint answer = *Endpoint::parse("203.0.113.9:41641");
  bool silent = false;
};

// Carries probes to the servers of their regions and back.
struct Bench {
  explicit Bench(std::map<RegionId, Server> regions) : servers(std::move(regions)) {
    for (const auto& [id, server] : servers) {
      map.regions.push_back(
          {.id = id, .nodes = {{.host = "r", .ipv4 = "192.0.2.1", .ipv6 = "none"}}});
    }
    check.set_map(map);
  }

  void take_effects() {
    for (const Probe& probe : fx.probes) {
      ++probes;
      check.note_sent(probe.tx_id, can_send, now);
      const Server& server = servers.at(probe.region);
      if (server.silent || !can_send) continue;
      Buffer reply;
      stun::write_response(probe.tx_id, server.answer, reply);
      answers.emplace(now + server.latency, reply);
    }
    for (const HttpsProbe& probe : fx.https) https.push_back(probe.region);
    if (fx.endpoints_changed) ++news;
    if (fx.finished) reports.push_back(*fx.finished);
    fx.clear();
  }

  void start(Scope scope = Scope::Automatic) {
    check.start(scope, {.has_ipv4 = true}, now, fx);
    take_effects();
  }

  void run(Duration how_long) {
    const TimePoint until = now + how_long;
    for (;;) {
      auto next = check.next_deadline();
      if (!answers.empty()) next = earlier(next, answers.begin()->first);
      if (!next || *next > until) break;
      now = std::max(now, *next);
      while (!answers.empty() && answers.begin()->first <= now) {
        const Buffer reply = answers.extract(answers.begin()).mapped();
        check.on_stun(reply, now, fx);
        take_effects();
      }
      check.advance(now, fx);
      take_effects();
    }
    now = until;
  }

  std::map<RegionId, Server> servers;
  RelayMap map;
  test::SeededRng rng;
  NetCheck check{rng};
  TimePoint now = TimePoint(1h);
  Effects fx;
  std::multimap<TimePoint, Buffer> answers;
  std::vector<Report> reports;
  std::vector<RegionId> https;
  unsigned probes = 0, news = 0;
  bool can_send = true;
};

TEST(NetCheck, ReportsWhatTheServersSaw) {
  Bench bench({{1, {40ms}}, {2, {20ms}}, {3, {60ms}}});
  bench.start();
  const TimePoint began = bench.now;
  bench.run(5s);
  ASSERT_EQ(bench.reports.size(), 1u);
  const Report& report = bench.reports[0];
  EXPECT_TRUE(report.udp && report.ipv4 && report.ipv4_can_send);
  EXPECT_FALSE(report.ipv6 || report.ipv6_can_send);
  EXPECT_EQ(report.mapping_varies_by_dest_ip, false);
  EXPECT_EQ(report.preferred_relay, 2);
  EXPECT_EQ(report.region_latency, (std::map<RegionId, Duration>{{1, 40ms}, {2, 20ms}, {3, 60ms}}));
  EXPECT_EQ(report.global_v4, *Endpoint::parse("203.0.113.9:41641"));
  EXPECT_EQ(report.global_v4_seen.at(*report.global_v4), 3u);
  EXPECT_LE(report.at - began, 200ms);
  EXPECT_EQ(bench.probes, 3u);
  EXPECT_EQ(bench.news, 1u);
  EXPECT_TRUE(bench.https.empty());
}

TEST(NetCheck, NoticesThatTheMappingVaries) {
  Bench bench({{1, {10ms}}, {2, {20ms, *Endpoint::parse("203.0.113.9:7")}}});
  bench.start();
  bench.run(5s);
  EXPECT_EQ(bench.reports.at(0).mapping_varies_by_dest_ip, true);
  EXPECT_EQ(bench.news, 2u);
}

TEST(NetCheck, OneAnswerSaysNothingAboutVarying) {
  Bench bench({{1, {10ms}}});
  bench.start();
  bench.run(1s);
  EXPECT_FALSE(bench.reports.at(0).mapping_varies_by_dest_ip);
}

TEST(NetCheck, AsksAgainThoseThatAreSilent) {
  Bench bench({{1, {10ms}}, {2, {.silent = true}}});
  bench.start();
  bench.run(5s);
  ASSERT_EQ(bench.reports.size(), 1u);
  EXPECT_EQ(bench.probes, 1u + kEnoughRegions);
  EXPECT_EQ(bench.reports[0].preferred_relay, 1);
}

TEST(NetCheck, WithoutUdpItMeasuresHttps) {
  Bench bench({{1, {.silent = true}}, {2, {.silent = true}}});
  bench.start();
  bench.run(kStunPatience);
  EXPECT_EQ(bench.https, (std::vector<RegionId>{1, 2}));
  bench.check.note_https(1, 90ms, bench.now, bench.fx);
  bench.check.note_https(2, 30ms, bench.now, bench.fx);
  bench.check.note_https(2, 1ms, bench.now, bench.fx);  // not asked for any more
  bench.take_effects();
  ASSERT_EQ(bench.reports.size(), 1u);
  EXPECT_FALSE(bench.reports[0].udp);
  EXPECT_EQ(bench.reports[0].preferred_relay, 2);
  EXPECT_EQ(bench.reports[0].region_latency.at(2), 30ms);
}

TEST(NetCheck, EndsAfterFiveSecondsWhateverIsMissing) {
  Bench bench({{1, {.silent = true}}});
  bench.start();
  bench.run(kOverallLimit - 1ms);
  EXPECT_TRUE(bench.reports.empty());
  bench.run(1ms);
  EXPECT_EQ(bench.reports.size(), 1u);
  EXPECT_FALSE(bench.check.running());
}

TEST(NetCheck, RefusedSendsDoNotWait) {
  Bench bench({{1, Server{}}});
  bench.can_send = false;
  bench.start();
  bench.run(250ms);
  EXPECT_EQ(bench.https.size(), 1u);
  bench.check.note_https(1, std::nullopt, bench.now, bench.fx);
  bench.take_effects();
  ASSERT_EQ(bench.reports.size(), 1u);
  EXPECT_FALSE(bench.reports[0].ipv4_can_send);
  EXPECT_EQ(bench.reports[0].preferred_relay, 0);
}

TEST(NetCheck, EmptyMapEndsAtOnce) {
  Bench bench(std::map<RegionId, Server>{});
  bench.start();
  EXPECT_EQ(bench.reports.size(), 1u);
}

TEST(NetCheck, IgnoresAnswersToNobodysQuestion) {
  Bench bench({{1, {.silent = true}}});
  bench.start();
  Buffer reply;
  stun::write_response(stun::TxId{}, *Endpoint::parse("1.2.3.4:5"), reply);
  EXPECT_FALSE(bench.check.on_stun(reply, bench.now, bench.fx));
  const auto request = stun::make_request(stun::TxId{});
  EXPECT_FALSE(bench.check.on_stun(request, bench.now, bench.fx));
  EXPECT_FALSE(bench.check.on_stun({}, bench.now, bench.fx));
}

TEST(NetCheck, RepeatsAfterTwentyToTwentySixSeconds) {
  Bench bench({{1, {10ms}}});
  for (int i = 0; i < 50; ++i) {
    bench.start();
    bench.run(1s);
    const Duration pause = *bench.check.next_check_at() - bench.reports.back().at;
    EXPECT_GE(pause, 20s);
    EXPECT_LE(pause, 26s);
  }
}

TEST(NetCheck, StartsDuringACheckBecomeOneMore) {
  Bench bench({{1, {10ms}}});
  bench.start();
  bench.start();
  bench.start(Scope::Full);
  bench.run(10s);
  EXPECT_EQ(bench.reports.size(), 2u);
}

TEST(NetCheck, FullReportsComeEveryFiveMinutes) {
  Bench bench({{1, {10ms}}, {2, {20ms}}, {3, {30ms}}, {4, {40ms}}, {5, {50ms}}});
  bench.start();
  bench.run(10s);
  EXPECT_EQ(bench.probes, 5u);
  bench.start();
  bench.run(kFullReportEvery);
  EXPECT_EQ(bench.probes, 5u + 3u) << "the three nearest";
  bench.start();
  bench.run(10s);
  EXPECT_EQ(bench.probes, 5u + 3u + 5u);
}

TEST(NetCheck, ChangedHomeRegionIsForgotten) {
  Bench bench({{1, {10ms}}, {2, {50ms}}});
  bench.start();
  bench.run(5s);
  EXPECT_EQ(bench.reports.back().preferred_relay, 1);
  bench.map.regions.erase(bench.map.regions.begin());
  bench.check.set_map(bench.map);
  bench.start();
  bench.run(5s);
  EXPECT_EQ(bench.reports.back().preferred_relay, 2);
}

TEST(NetCheck, CurrentShowsARunningCheck) {
  Bench bench({{1, {10ms}}, {2, {.silent = true}}});
  EXPECT_FALSE(bench.check.current().udp);
  bench.start();
  bench.run(20ms);
  EXPECT_TRUE(bench.check.running());
  EXPECT_TRUE(bench.check.current().udp);
  EXPECT_FALSE(bench.check.last());
}

TEST(Report, LatenciesAreNotSubstance) {
  Report a, b;
  a.region_latency[1] = 10ms;
  EXPECT_FALSE(differs_in_substance(a, b));
  b.mapping_varies_by_dest_ip = true;
  EXPECT_TRUE(differs_in_substance(a, b));
}

}  // namespace
}  // namespace aya::netcheck
