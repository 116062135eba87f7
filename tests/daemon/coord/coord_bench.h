// A Coord, a server and the network between them, in virtual time.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>

#include "tests/daemon/coord/fake_coordinator.h"
#include "tests/support/seeded_rng.h"

namespace aya::coord {

class CoordBench : public testing::Test {
 protected:
  enum class Door { Open, Refuses, Silent };

  // A node of https://coord.test that knows nothing yet, and has not been asked to do anything.
  CoordBench() { make(); }

  void make(const std::string& url = "https://coord.test") {
    config.server = *http::Url::parse(url);
    config.machine_key = MachinePrivateKey::generate(rng);
    restart();
  }
  // A new process with what the last one stored.
  void restart() {
    for (const LinkId link : server.links()) server.hang_up(link);
    links.clear();
    coord = std::make_unique<Coord>(config, rng);
    effects.clear();
    HostState host;
    host.hostinfo.hostname = "alpha";
    coord->set_host(host, now, effects);
  }

  void login(const LoginWish& wish = {}) {
    coord->login(wish, now, effects);
    settle();
  }

  // Carries bytes until nobody has any to give.
  void settle() {
    for (int round = 0; round < 1000; ++round) {
      Effects due = std::exchange(effects, {});
      bool moved = !due.send.empty() || !due.close.empty() || !due.open.empty();
      for (const auto& [link, bytes] : due.send) server.receive(link, bytes);
      for (const LinkId link : due.close) {
        server.hang_up(link);
        links.erase(link);
      }
      for (const auto& open : due.open) this->open(open.link, open.to);
      note(std::move(due));
      for (const LinkId link : server.links()) {
        const Buffer bytes = server.take_output(link);
        const bool ended = server.ended(link);
        moved |= !bytes.empty() || ended;
        if (!bytes.empty()) coord->on_bytes(link, bytes, now, effects);
        if (!ended) continue;
        server.hang_up(link);
        links.erase(link);
        coord->on_closed(link, "closed by the other side", now, effects);
      }
      if (!moved) return note(std::exchange(effects, {}));
    }
    ADD_FAILURE() << "the two never come to rest";
  }

  void advance(Duration by) {
    const TimePoint end = now.steady + by;
    int without_progress = 0;
    for (;;) {
      const auto next = coord->next_deadline();
      if (!next || *next > end) break;
      without_progress = *next > now.steady ? 0 : without_progress + 1;
      ASSERT_LT(without_progress, 5) << "a deadline that is never met";
      pass(std::max(*next, now.steady));
      coord->advance(now, effects);
      settle();
    }
    pass(end);
  }
  // The same with a server that is heard from.
  void advance_kept_alive(Duration by) {
    for (; by > 50s; by -= 50s) {
      advance(50s);
      server.keepalive();
      settle();
    }
    advance(by);
  }

  // The silent doors open after all.
  void let_in() {
    for (const LinkId link : std::exchange(knocking, {})) {
      links.insert(link);
      server.accept(link);
      coord->on_connected(link, now, effects);
    }
    settle();
  }
  // The network takes every connection away.
  void break_connections(const std::string& why = "reset by peer") {
    for (const LinkId link : std::exchange(links, {})) {
      server.hang_up(link);
      coord->on_closed(link, why, now, effects);
    }
    settle();
  }

  test::SeededRng rng;
  FakeCoordinator server{rng};
  Moment now{TimePoint(1h), WallTime(1767225600s)};
  CoordConfig config;
  std::map<std::uint16_t, Door> doors;  // by port; open where nothing is said
  std::unique_ptr<Coord> coord;
  Effects effects;

  // What the daemon has been told.
  std::vector<std::string> dialled;  // "tls 443 verified", "plain 80"
  std::vector<std::string> problems;
  std::vector<netmap::NetmapDelta> netmaps;
  std::vector<std::string> logins;  // names
  std::vector<MachinePublicKey> server_keys;
  std::vector<std::string> opened_urls, head_requests;
  std::vector<control::PingRequest> peer_pings;
  std::vector<Effects::Question> questions;
  std::vector<FlowReportAnswer> report_answers;
  int identity_changes = 0, log_outs = 0, phase_changes = 0;

 private:
  void open(LinkId link, const DialAttempt& to) {
    dialled.push_back(
        (to.tls ? "tls " : "plain ") + std::to_string(to.port) +
        (to.must_verify ? " verified" : ""));
    const auto door = doors.find(to.port);
    switch (door == doors.end() ? Door::Open : door->second) {
      case Door::Silent:
        knocking.push_back(link);
        break;
      case Door::Refuses:
        coord->on_closed(link, "connection refused", now, effects);
        break;
      case Door::Open:
        links.insert(link);
        server.accept(link);
        coord->on_connected(link, now, effects);
    }
  }

  void pass(TimePoint to) {
    now.wall += to - now.steady;
    now.steady = to;
  }

  void note(Effects news) {
    const auto add = [](auto& to, auto& from) { to.insert(to.end(), from.begin(), from.end()); };
    add(problems, news.problems);
    add(netmaps, news.netmap);
    add(head_requests, news.head_requests);
    add(peer_pings, news.peer_pings);
    add(questions, news.questions);
    if (news.flow_report_answer) report_answers.push_back(*news.flow_report_answer);
    if (news.logged_in) logins.push_back(news.logged_in->login.login_name);
    if (news.server_key) server_keys.push_back(*news.server_key);
    if (news.open_url) opened_urls.push_back(*news.open_url);
    identity_changes += news.identity_changed;
    log_outs += news.logged_out;
    phase_changes += news.phase_changed;
    if (news.identity_changed) config.identity = coord->identity();
  }

 protected:
  std::set<LinkId> links;        // connected
  std::vector<LinkId> knocking;  // at silent doors
};

}  // namespace aya::coord
