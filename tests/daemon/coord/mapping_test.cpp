// The map stream, what rides on it, and what we say about ourselves beside it.
#include "proto/control/json_text.h"
#include "tests/daemon/coord/coord_bench.h"

namespace aya::coord {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class Mapping : public CoordBench {
 protected:
  Mapping() { login(); }

  void tell(const std::string& hostname, bool forwarding_off = false) {
    HostState host;
    host.forwarding_off = forwarding_off;
    host.hostinfo.hostname = hostname;
    host.endpoints = {*Endpoint::parse("192.0.2.7:41641")};
    host.endpoint_types = {control::EndpointType::Stun};
    coord->set_host(host, now, effects);
    settle();
  }
  void ping(
      const std::string& url, const std::string& types, bool by_noise = false,
      const std::string& payload = "") {
    control::MapResponse message;
    message.keep_alive = true;
    auto& ping = message.ping_request.emplace();
    ping.url = url;
    ping.types = types;
    ping.url_is_noise = by_noise;
    append(ping.payload, as_bytes(payload));
    server.say(message);
    settle();
  }
  static control::Node peer(std::int64_t id) {
    control::Node node;
    node.id = control::NodeId{id};
    node.stable_id = "n" + std::to_string(id);
    node.name = "peer.mesh.test.";
    node.hostinfo.emplace();
    node.addresses = {*Prefix::parse("100.64.0.9/32")};
    return node;
  }
};

TEST_F(Mapping, MessagesAreFoldedOneByOne) {
  ASSERT_THAT(netmaps, SizeIs(1));
  EXPECT_TRUE(netmaps[0].self);
  control::MapResponse message;
  message.peers_changed = {peer(2)};
  server.say(message);
  message.peers_changed = {peer(3)};
  server.say(message);
  settle();
  EXPECT_THAT(netmaps, SizeIs(3));
  EXPECT_EQ(coord->netmap().peers.size(), 2u);
  EXPECT_EQ(server.polls.front().hostinfo->hostname, "alpha");
  EXPECT_TRUE(server.polls.front().keep_alive);
}

TEST_F(Mapping, KeepalivesHoldTheStreamOpenAndTwoMinutesOfSilenceEndIt) {
  advance_kept_alive(20min);
  EXPECT_THAT(dialled, SizeIs(1));
  server.keepalive();
  settle();
  advance(kMapSilence - 1ms);
  EXPECT_THAT(problems, IsEmpty());
  EXPECT_EQ(coord->in_poll(), true);
  advance(1s);
  EXPECT_THAT(problems, ElementsAre("nothing heard from the server for two minutes"));
  EXPECT_THAT(dialled, SizeIs(2));
  EXPECT_EQ(coord->in_poll(), true);
}

TEST_F(Mapping, APollThatNeverBeginsIsGivenUpTooAndTheMapIsKept) {
  server.maps = false;
  break_connections();
  advance(1s);
  EXPECT_EQ(coord->in_poll(), false);
  EXPECT_EQ(coord->phase(), Phase::Running);
  EXPECT_EQ(coord->netmap().self.name, "alpha.mesh.test.");
  advance(kMapSilence);
  EXPECT_EQ(problems.back(), "nothing heard from the server for two minutes");
}

TEST_F(Mapping, AReconnectGoesStraightToTheMap) {
  server.asked.clear();
  break_connections();
  EXPECT_EQ(coord->in_poll(), false);
  EXPECT_THAT(problems, ElementsAre("reset by peer"));  // once
  advance(1s);
  EXPECT_THAT(server.asked, ElementsAre("POST /ts2021", "POST /machine/map"));
  EXPECT_EQ(coord->in_poll(), true);
}

TEST_F(Mapping, WhetherTheStreamIsUpIsTold) {
  const int before = phase_changes;
  break_connections();
  EXPECT_EQ(phase_changes, before + 1);
  advance(1s);
  EXPECT_EQ(phase_changes, before + 2);
}

TEST_F(Mapping, AStreamTheServerEndsIsOpenedAgainOnTheSameConnection) {
  server.end_polls();
  settle();
  EXPECT_EQ(coord->in_poll(), false);
  advance(1s);
  EXPECT_EQ(coord->in_poll(), true);
  EXPECT_THAT(server.polls, SizeIs(2));
  EXPECT_THAT(dialled, SizeIs(1));
  EXPECT_THAT(problems, IsEmpty());
}

TEST_F(Mapping, AMessageThatCannotBeReadEndsThePollAlone) {
  Buffer frame;
  control::MapFrameEncoder().append("{\"Node\": 7}", control::Compression::Zstd, frame);
  server.say_bytes(frame);
  settle();
  EXPECT_THAT(problems, ElementsAre(HasSubstr("a map message cannot be read")));
  EXPECT_EQ(server.open_polls(), 0u);
  advance(1s);
  EXPECT_EQ(coord->in_poll(), true);
  EXPECT_THAT(dialled, SizeIs(1));
}

TEST_F(Mapping, AFirstMapWithoutUsIsNoMap) {
  server.maps = false;
  server.end_polls();
  settle();
  advance(1s);
  control::MapResponse message;
  message.peers_changed = {peer(2)};
  server.say(message);
  settle();
  EXPECT_THAT(problems, ElementsAre("the server's first map does not say who we are"));
  EXPECT_EQ(coord->in_poll(), false);
  EXPECT_THAT(coord->netmap().peers, IsEmpty());
  server.maps = true;
  advance(1s);
  EXPECT_EQ(coord->in_poll(), true);
}

TEST_F(Mapping, AServerThatDoesNotKnowUsIsAskedWhyByRegisteringAgain) {
  const auto key = coord->identity().node_key.public_key();
  server.map_status = 404;
  server.end_polls();
  settle();
  server.on_register = [&](const control::RegisterRequest& request) {
    EXPECT_EQ(request.node_key, key);
    server.map_status = 200;
    return FakeCoordinator::json(FakeCoordinator::welcome());
  };
  const auto updates = server.updates.size();
  advance(1s);
  EXPECT_THAT(problems, ElementsAre(HasSubstr("status 404: no such node")));
  EXPECT_THAT(server.registrations, SizeIs(2));
  EXPECT_EQ(coord->in_poll(), true);
  // What it was told before, it was told about another node.
  EXPECT_EQ(server.updates.size(), updates + 1);
}

TEST_F(Mapping, AServerThatFailsIsNotAskedToRegister) {
  server.map_status = 500;
  server.end_polls();
  settle();
  advance(1min);
  EXPECT_THAT(server.registrations, SizeIs(1));
  EXPECT_GT(server.polls.size(), 10u);
  EXPECT_LT(server.polls.size(), 40u);
  EXPECT_EQ(coord->phase(), Phase::Running);
}

TEST_F(Mapping, AServerThatGoesAwayIsFollowedToANewConnection) {
  server.go_away();
  settle();
  server.end_polls();
  settle();
  advance(1s);
  EXPECT_THAT(dialled, SizeIs(2));
  EXPECT_EQ(coord->in_poll(), true);
}

// ---- lite updates

TEST_F(Mapping, AChangeIsToldBesideTheStreamOnce) {
  EXPECT_THAT(server.updates, SizeIs(1));  // what we were from the beginning
  tell("beta");
  ASSERT_THAT(server.updates, SizeIs(2));
  EXPECT_EQ(server.updates[1].hostinfo->hostname, "beta");
  EXPECT_EQ(server.updates[1].endpoints, std::vector{*Endpoint::parse("192.0.2.7:41641")});
  EXPECT_EQ(server.updates[1].endpoint_types, std::vector{control::EndpointType::Stun});
  EXPECT_EQ(server.updates[1].node_key, coord->identity().node_key.public_key());
  tell("beta");
  EXPECT_THAT(server.updates, SizeIs(2));
  EXPECT_THAT(server.polls, SizeIs(1));
}

TEST_F(Mapping, ARouterThatForwardsNothingSaysSo) {
  EXPECT_THAT(server.updates.back().debug_flags, IsEmpty());
  tell("alpha", true);
  EXPECT_THAT(server.updates.back().debug_flags, ElementsAre("warn-ip-forwarding-off"));
}

TEST_F(Mapping, OnlyTheNewestStateFollowsAnUpdateUnderWay) {
  server.update_status = 0;
  tell("beta");
  for (const char* name : {"gamma", "delta", "epsilon"}) tell(name);
  EXPECT_THAT(server.updates, SizeIs(2));
  server.update_status = 200;
  advance(kRequestTimeout + 1s);  // the one under way is given up
  ASSERT_THAT(server.updates, SizeIs(3));
  EXPECT_EQ(server.updates[2].hostinfo->hostname, "epsilon");
  EXPECT_THAT(dialled, SizeIs(1));
}

TEST_F(Mapping, AnUpdateThatFailsIsRepeatedWithPatience) {
  server.update_status = 500;
  tell("beta");
  advance(10s);
  EXPECT_GT(server.updates.size(), 5u);
  EXPECT_LT(server.updates.size(), 25u);
  server.update_status = 200;
  advance(15s);
  const auto sent = server.updates.size();
  advance(20s);
  EXPECT_EQ(server.updates.size(), sent);
}

TEST_F(Mapping, AnUpdateThatWasCutOffIsRepeatedOnTheNextConnection) {
  server.update_status = 0;
  tell("beta");
  server.update_status = 200;
  break_connections();
  advance(1s);
  EXPECT_THAT(server.updates, SizeIs(3));
  EXPECT_EQ(server.updates[2].hostinfo->hostname, "beta");
}

// ---- a change of network

TEST_F(Mapping, AfterAChangeOfNetworkTheConnectionIsProbed) {
  coord->network_changed(now, effects);
  settle();
  advance(kProbeTimeout + 1s);
  EXPECT_THAT(problems, IsEmpty());  // it lived
  EXPECT_THAT(dialled, SizeIs(1));

  server.reads = false;
  coord->network_changed(now, effects);
  settle();
  advance(kProbeTimeout - 1ms);
  EXPECT_EQ(coord->in_poll(), true);
  advance(1ms);
  EXPECT_THAT(problems, ElementsAre("the server does not answer any more"));
  server.reads = true;
  advance(1s);
  EXPECT_EQ(coord->in_poll(), true);
}

// ---- what rides on a message

TEST_F(Mapping, TheServersPingsAreAnsweredWhereItAsks) {
  ping(
      "https://coord.test/machine/c2n/1?x=2", "c2n", false,
      "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
  ASSERT_THAT(server.others, SizeIs(1));
  EXPECT_EQ(server.others[0].method, "POST");
  EXPECT_EQ(server.others[0].target, "/machine/c2n/1?x=2");
  EXPECT_THAT(std::string(as_text(server.others[0].body)), testing::EndsWith("\r\n\r\nhi"));

  ping("https://coord.test/p/2", "", true);
  ASSERT_THAT(server.others, SizeIs(2));
  EXPECT_EQ(server.others[1].method, "HEAD");
  EXPECT_EQ(server.others[1].target, "/p/2");

  ping("https://elsewhere.test/p/3", "");
  EXPECT_THAT(head_requests, ElementsAre("https://elsewhere.test/p/3"));

  ping("https://coord.test/p/4", "disco,TSMP");
  ASSERT_THAT(peer_pings, SizeIs(1));
  control::PingResponse pong;
  pong.type = "disco";
  pong.ip = "100.64.0.9";
  coord->answer_ping(peer_pings[0], pong, effects);
  settle();
  ASSERT_THAT(server.others, SizeIs(3));
  EXPECT_EQ(server.others[2].target, "/p/4");
  const auto answer = control::decode<control::PingResponse>(as_text(server.others[2].body));
  EXPECT_EQ(answer->ip, "100.64.0.9");

  ping("https://coord.test/p/4", "disco,TSMP");  // the same again
  ping("not a url", "c2n");
  EXPECT_THAT(peer_pings, SizeIs(1));
  EXPECT_THAT(server.others, SizeIs(3));
}

TEST_F(Mapping, WhatOnlyTheDaemonKnowsIsAskedThere) {
  ping(
      "https://coord.test/machine/c2n/7", "c2n", false,
      "GET /debug/prefs?x=1 HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_THAT(questions, SizeIs(1));
  EXPECT_EQ(questions[0].request.target, "/debug/prefs?x=1");
  EXPECT_THAT(server.others, SizeIs(0));
  coord->answer_question(questions[0].url, http::Response::text(200, "these"), effects);
  settle();
  ASSERT_THAT(server.others, SizeIs(1));
  EXPECT_EQ(server.others[0].target, "/machine/c2n/7");
  const std::string body(as_text(server.others[0].body));
  EXPECT_THAT(body, testing::StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(body, testing::EndsWith("\r\n\r\nthese"));
}

TEST_F(Mapping, AUrlForABrowserIsHandedOn) {
  control::MapResponse message;
  message.pop_browser_url = "https://coord.test/welcome";
  server.say(message);
  server.say(message);
  settle();
  EXPECT_THAT(opened_urls, ElementsAre("https://coord.test/welcome"));
}

}  // namespace
}  // namespace aya::coord
