// Map streams end to end: snapshots, deltas, presence, keepalives (control 7.2, 9.6, 9.9, 9.11).
#include "tests/coord-server/serve/bench.h"

namespace aya::serve {
namespace {

using MapStream = Bench;
using mapper::MapStreams;

TEST_F(MapStream, BeginsWithAWholePicture) {
  Machine& m = joined("alpha");
  ASSERT_EQ(m.received.size(), 1u);
  const control::MapResponse& first = m.received[0];
  ASSERT_TRUE(first.node);
  EXPECT_EQ(first.node->name, "alpha.default.mesh.test.");
  EXPECT_EQ(first.node->addresses.size(), 2u);
  EXPECT_TRUE(first.node->addresses[0].address.is_v4());
  EXPECT_EQ(first.node->online, true);
  EXPECT_TRUE(first.node->cap_map.contains("https://tailscale.com/cap/ssh"));
  ASSERT_TRUE(first.derp_map && first.derp_map->regions);
  EXPECT_TRUE(first.derp_map->regions->contains(900));
  ASSERT_TRUE(first.packet_filters.contains("base"));
  EXPECT_EQ(first.packet_filters.at("base")->size(), 1u);
  ASSERT_TRUE(first.dns_config);
  EXPECT_TRUE(first.dns_config->proxied);
  EXPECT_EQ(first.dns_config->domains, std::vector<std::string>{"default.mesh.test"});
  EXPECT_EQ(first.domain, "default.mesh.test");
  ASSERT_EQ(first.user_profiles.size(), 1u);
  EXPECT_EQ(first.user_profiles[0].login_name, "alice");
  EXPECT_TRUE(first.debug && first.debug->disable_log_tail);
  EXPECT_EQ(first.collect_services, false);
  EXPECT_TRUE(first.control_time);
}

TEST_F(MapStream, SpeaksPlainJsonWhereItIsAsked) {
  Machine& m = machine("alpha");
  m.compression = control::Compression::None;
  send_register(m, register_request(m, auth_key()));
  EXPECT_EQ(poll(m), 200);
  EXPECT_EQ(m.received.size(), 1u);
}

TEST_F(MapStream, ShowsAJoinToOthersAtOnce) {
  Machine& a = joined("alpha");
  Machine& b = joined("beta");
  advance(MapStreams::kGatherFor);
  const control::Node* seen = peer(a, b);
  ASSERT_NE(seen, nullptr);
  EXPECT_EQ(seen->online, true);
  EXPECT_EQ(seen->home_derp, 900);
  EXPECT_EQ(seen->disco_key, b.disco);
  ASSERT_TRUE(seen->hostinfo);
  EXPECT_FALSE(seen->hostinfo->net_info) << "nobody else's business";
  EXPECT_NE(peer(b, a), nullptr);
}

TEST_F(MapStream, WithholdsAPeerUntilItsDiscoKeyIsKnown) {  // T-06
  Machine& a = joined("alpha");
  Machine& b = machine("beta");
  send_register(b, register_request(b, auth_key()));
  advance(1s);
  EXPECT_EQ(peer(a, b), nullptr);
  control::MapRequest lite = map_request(b);
  lite.omit_peers = true;
  EXPECT_EQ(send_map(b, lite), 200);
  EXPECT_TRUE(last_body.empty());
  advance(1s);
  EXPECT_NE(peer(a, b), nullptr);
}

TEST_F(MapStream, SendsSmallChangesAsPatches) {
  Machine& a = joined("alpha");
  Machine& b = joined("beta");
  advance(1s);
  a.received.clear();
  control::MapRequest lite = map_request(b);
  lite.omit_peers = true;
  lite.endpoints = {*Endpoint::parse("198.51.100.9:5")};
  send_map(b, lite);
  advance(1s);
  ASSERT_EQ(a.received.size(), 1u);
  EXPECT_TRUE(a.received[0].peers_changed.empty());
  ASSERT_EQ(a.received[0].peers_changed_patch.size(), 1u);
  EXPECT_EQ(peer(a, b)->endpoints, lite.endpoints);
}

TEST_F(MapStream, SendsANewDiscoKeyInAPatchOfItsOwn) {  // control 14
  Machine& a = joined("alpha");
  Machine& b = joined("beta");
  advance(1s);
  a.received.clear();
  b.disco = DiscoPrivateKey::generate(rng).public_key();
  control::MapRequest lite = map_request(b);
  lite.omit_peers = true;
  lite.endpoints = {*Endpoint::parse("198.51.100.9:5")};
  send_map(b, lite);
  advance(1s);
  ASSERT_EQ(a.received.size(), 1u);
  const auto& patches = a.received[0].peers_changed_patch;
  ASSERT_EQ(patches.size(), 2u);
  EXPECT_EQ(patches[0].disco_key, b.disco);
  EXPECT_FALSE(patches[0].endpoints || patches[0].online);
  EXPECT_FALSE(patches[1].disco_key);
}

// A client that makes a patch of the whole node drops it for its DISCO key, and all the rest with
// it (control 14): so all that a patch can carry is said once more, where nothing can drop it.
TEST_F(MapStream, SaysWhatCameWithADiscoKeyOfAnAbsentPeerTwice) {
  Machine& a = joined("alpha");
  Machine& b = joined("beta");
  hang_up(b);
  advance(nodes::Presence::kOfflineGrace + 1s);
  ASSERT_EQ(peer(a, b)->online, false);
  a.received.clear();
  b.disco = DiscoPrivateKey::generate(rng).public_key();
  control::MapRequest lite = map_request(b);
  lite.omit_peers = true;
  lite.hostinfo->distro = "another";
  lite.endpoints = {*Endpoint::parse("198.51.100.9:5")};
  send_map(b, lite);
  advance(1s);
  ASSERT_EQ(a.received.size(), 1u);
  EXPECT_EQ(a.received[0].peers_changed.size(), 1u);
  const auto& patches = a.received[0].peers_changed_patch;
  ASSERT_EQ(patches.size(), 2u);
  EXPECT_EQ(patches[0].disco_key, b.disco);
  EXPECT_EQ(patches[1].endpoints, lite.endpoints);
}

TEST_F(MapStream, KeepsWhatALaterRequestDoesNotMention) {  // T-07
  Machine& b = joined("beta");
  control::MapRequest lite = map_request(b);
  lite.omit_peers = true;
  lite.endpoints.clear();
  lite.disco_key = {};
  lite.hostinfo->net_info.reset();
  send_map(b, lite);
  EXPECT_EQ(node(b).record.live.home_region, 900);
  EXPECT_EQ(node(b).record.live.disco_key, b.disco);
  EXPECT_EQ(node(b).record.live.endpoints.size(), 1u);
}

TEST_F(MapStream, TellsANodeOfItselfOnceItHasAHome) {
  Machine& a = joined("alpha");
  advance(1s);
  a.received.clear();
  control::MapRequest lite = map_request(a);
  lite.omit_peers = true;
  lite.hostinfo->net_info->preferred_derp = 901;
  send_map(a, lite);
  advance(1s);
  ASSERT_EQ(a.received.size(), 1u);
  ASSERT_TRUE(a.received[0].node);
  EXPECT_EQ(a.received[0].node->home_derp, 901);
  EXPECT_TRUE(a.received[0].packet_filters.empty());

  a.received.clear();
  send_map(a, lite);  // nothing new
  advance(1s);
  EXPECT_TRUE(a.received.empty());
}

TEST_F(MapStream, GathersChangesThatComeTogether) {
  Machine& a = joined("alpha");
  advance(1s);
  a.received.clear();
  for (int i = 0; i < 20; ++i) joined("n" + std::to_string(i));
  advance(MapStreams::kGatherFor);
  EXPECT_LE(a.received.size(), 2u);
  EXPECT_EQ(a.state.netmap.peers.size(), 20u);
}

TEST_F(MapStream, EncodesAChangeOnceForAllWhoReadIt) {
  for (int i = 0; i < 20; ++i) joined("n" + std::to_string(i));
  advance(1s);
  const auto before = coordinator->streams().counters();
  Machine& last = *machines.back();
  control::MapRequest lite = map_request(last);
  lite.omit_peers = true;
  lite.endpoints = {*Endpoint::parse("198.51.100.9:5")};
  send_map(last, lite);
  advance(1s);
  const auto after = coordinator->streams().counters();
  EXPECT_EQ(after.deltas - before.deltas, 19u);
  EXPECT_EQ(after.encoded - before.encoded, 1u);
}

TEST_F(MapStream, SaysOfflineAfterTheGraceAndOnlineAtOnce) {
  Machine& a = joined("alpha");
  Machine& b = joined("beta");
  advance(1s);
  hang_up(b);
  advance(9s);
  EXPECT_EQ(peer(a, b)->online, true);
  advance(2s);
  EXPECT_EQ(peer(a, b)->online, false);
  EXPECT_TRUE(peer(a, b)->last_seen);
  poll(b);
  advance(MapStreams::kGatherFor);
  EXPECT_EQ(peer(a, b)->online, true);
}

TEST_F(MapStream, ReplacesAnOlderPollOfTheSameNodeWithoutAFlicker) {
  Machine& a = joined("alpha");
  Machine& b = joined("beta");
  advance(1s);
  a.received.clear();
  const auto old_stream = *b.stream;
  poll(b);
  coordinator->stream_closed(old_stream, now);  // its connection ends a little later
  advance(30s);
  EXPECT_TRUE(a.received.empty());
  EXPECT_EQ(coordinator->streams().size(), 2u);
}

TEST_F(MapStream, MovesANodeLiveAndTellsItselfLast) {  // 9.6
  Machine& a = joined("alpha");
  Machine& b = joined("beta");
  advance(1s);
  order.clear();
  api("POST", device(a) + "/ip", {{"ipv4", "100.80.0.1"}});
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(peer(b, a)->addresses[0].to_text(), "100.80.0.1/32");
  EXPECT_EQ((*peer(b, a)->allowed_ips)[0].to_text(), "100.80.0.1/32");
  EXPECT_EQ(a.state.netmap.self.addresses[0].to_text(), "100.80.0.1/32");
  EXPECT_EQ(order, (std::vector{*b.stream, *a.stream}));
}

TEST_F(MapStream, TellsARemovedNodeThatItsKeyIsOverAndKeepsTheStream) {  // 9.9
  Machine& a = joined("alpha");
  Machine& b = joined("beta");
  advance(1s);
  const NodePublicKey key = a.key;
  api("DELETE", device(a));
  EXPECT_EQ(reply.status, 200);
  advance(1s);
  EXPECT_EQ(b.state.netmap.peers.size(), 0u);
  ASSERT_TRUE(a.state.netmap.self.key_expiry);
  EXPECT_LT(*a.state.netmap.self.key_expiry, wall);
  EXPECT_FALSE(a.ended);
  EXPECT_EQ(revoked, std::vector{key});
  a.received.clear();
  advance(70s);
  ASSERT_EQ(a.received.size(), 1u);
  EXPECT_TRUE(a.received[0].keep_alive);
  EXPECT_EQ(poll(a), 404);
}

TEST_F(MapStream, KeepsSilentStreamsAliveWithinAMinute) {
  Machine& a = joined("alpha");
  advance(1s);
  a.received.clear();
  advance(49s);
  EXPECT_TRUE(a.received.empty());
  advance(13s);
  ASSERT_EQ(a.received.size(), 1u);
  EXPECT_TRUE(a.received[0].keep_alive);
  advance(std::chrono::hours(1));
  EXPECT_GE(a.received.size(), 55u);
}

TEST_F(MapStream, MarksAPeerExpiredWhenItsTimeComes) {
  Machine& a = joined("alpha");
  Machine& b = joined("beta");
  advance(1s);
  api("POST", device(b) + "/expire");
  advance(1s);
  EXPECT_TRUE(peer(a, b)->expired);
  EXPECT_LE(*b.state.netmap.self.key_expiry, wall) << "or the client never learns of it";
  EXPECT_EQ(poll(b), 200) << "an expired node is still served";
}

TEST_F(MapStream, MarksAPeerExpiredByTheClock) {
  Machine& a = joined("alpha");
  Machine& b = joined("beta");
  control::RegisterRequest request = register_request(b, "");
  request.expiry = wall + 2h;
  send_register(b, request);
  advance(1h + 59min);
  EXPECT_FALSE(peer(a, b)->expired);
  advance(2min);
  EXPECT_TRUE(peer(a, b)->expired);
}

TEST_F(MapStream, LeavesABlockedStreamAloneAndCatchesItUpInOneStep) {
  Machine& a = joined("alpha");
  Machine& b = joined("beta");
  advance(1s);
  coordinator->stream_blocked(*a.stream, true, now);
  a.received.clear();
  for (int i = 0; i < 5; ++i) {
    joined("n" + std::to_string(i));
    advance(1s);
  }
  api("DELETE", device(b));
  advance(1s);
  EXPECT_TRUE(a.received.empty());
  coordinator->stream_blocked(*a.stream, false, now);
  advance(MapStreams::kGatherFor);
  EXPECT_EQ(a.received.size(), 1u);
  EXPECT_EQ(a.state.netmap.peers.size(), 5u);
}

TEST_F(MapStream, EndsAStreamThatStaysBlocked) {
  Machine& a = joined("alpha");
  coordinator->stream_blocked(*a.stream, true, now);
  advance(122s);
  EXPECT_TRUE(a.ended);
}

TEST_F(MapStream, RenamesANodeThatRenamesItself) {
  Machine& a = joined("alpha");
  Machine& b = joined("beta");
  b.host_name = "gamma";
  control::MapRequest lite = map_request(b);
  lite.omit_peers = true;
  send_map(b, lite);
  advance(1s);
  EXPECT_EQ(peer(a, b)->name, "gamma.default.mesh.test.");
  EXPECT_EQ(b.state.netmap.self.name, "gamma.default.mesh.test.");
  api("POST", device(b) + "/name", {{"name", "chosen"}});
  b.host_name = "delta";
  lite = map_request(b);
  lite.omit_peers = true;
  send_map(b, lite);
  advance(1s);
  EXPECT_EQ(peer(a, b)->name, "chosen.default.mesh.test.") << "T-37";
}

TEST_F(MapStream, FencesOffANodeThatIsNotAuthorized) {
  Machine& a = joined("alpha");
  Machine& b = joined("beta");
  advance(1s);
  api("POST", device(b) + "/authorized", {{"authorized", false}});
  advance(1s);
  EXPECT_EQ(peer(a, b), nullptr);
  EXPECT_EQ(peer(b, a), nullptr);
  EXPECT_FALSE(b.state.netmap.self.machine_authorized);
  EXPECT_TRUE(b.state.netmap.packet_filters.at("base").empty());
  api("POST", device(b) + "/authorized", {{"authorized", true}});
  advance(1s);
  EXPECT_NE(peer(a, b), nullptr);
  EXPECT_NE(peer(b, a), nullptr);
}

TEST_F(MapStream, AnswersAOneShotAndARestartFromTheSameState) {
  Machine& a = joined("alpha");
  Machine& b = joined("beta");
  advance(2s);  // live parts are saved by now
  start();
  EXPECT_EQ(send_map(a, map_request(a)), 200);
  control::MapFrameDecoder decoder(control::Compression::Zstd);
  decoder.feed(last_body);
  auto json = decoder.next();
  ASSERT_TRUE(json && *json);
  auto once = control::decode<control::MapResponse>(**json);
  ASSERT_TRUE(once);
  ASSERT_EQ(once->peers.size(), 1u);
  EXPECT_EQ(once->peers[0].key, b.key);
  EXPECT_EQ(once->peers[0].disco_key, b.disco);
  EXPECT_EQ(once->peers[0].online, false);
}

TEST_F(MapStream, AnswersOtherPathsAndNeverTheWrongMachine) {
  Machine& a = joined("alpha");
  EXPECT_EQ(send(a, "/machine/tka/init/begin", "{}").response.status, 501);
  EXPECT_EQ(send(a, "/elsewhere", "{}").response.status, 404);
  EXPECT_EQ(send(a, "/machine/map", "[]").response.status, 400);
  Machine& b = machine("beta");
  b.key = a.key;
  EXPECT_EQ(poll(b), 404);
}

// Whatever happens, folding deltas ends where a fresh snapshot does.
// No patch can take a time away, so that of a peer that came back stays; clients ignore it.
std::map<control::NodeId, control::Node> peers_of(const netmap::Netmap& map) {
  std::map<control::NodeId, control::Node> peers(map.peers.begin(), map.peers.end());
  for (auto& [id, peer] : peers) {
    if (peer.online == true) peer.last_seen.reset();
  }
  return peers;
}

TEST_F(MapStream, DeltasLeadWhereASnapshotLeads) {
  Machine& viewer = joined("viewer");
  std::vector<Machine*> others;
  for (int i = 0; i < 6; ++i) others.push_back(&joined("n" + std::to_string(i)));
  for (int step = 0; step < 300; ++step) {
    Machine& m = *others[rng.below(static_cast<std::uint32_t>(others.size()))];
    const bool exists = coordinator->registry().find(m.key) != nullptr;
    const Json some_routes = {"10.1.0.0/16", "10.2.0.0/16", "::/0"};
    switch (exists ? rng.below(10) : 7) {
      case 0: {
        control::MapRequest lite = map_request(m);
        lite.omit_peers = true;
        lite.endpoints = {*Endpoint::parse("192.0.2." + std::to_string(rng.below(9) + 1) + ":7")};
        send_map(m, lite);
        break;
      }
      case 1:
        m.disco = DiscoPrivateKey::generate(rng).public_key();
        poll(m);
        break;
      case 2:
        if (m.stream) hang_up(m);
        break;
      case 3:
        poll(m);
        break;
      case 4:
        api("POST", device(m) + "/ip",
            {{"ipv4", "100.80.0." + std::to_string(rng.below(200) + 1)}});
        break;
      case 5:
        api("POST", device(m) + "/authorized", {{"authorized", rng.below(2) == 0}});
        break;
      case 6:
        if (m.stream) hang_up(m);
        api("DELETE", device(m));
        break;
      case 7:
        m.key = NodePrivateKey::generate(rng).public_key();
        send_register(m, register_request(m, auth_key()));
        poll(m);
        break;
      case 8: {
        m.offered.clear();
        for (const char* route : {"0.0.0.0/0", "10.1.0.0/16", "10.2.0.0/16", "::/0"}) {
          if (rng.below(3) > 0) m.offered.push_back(*Prefix::parse(route));
        }
        control::MapRequest lite = map_request(m);
        lite.omit_peers = true;
        send_map(m, lite);
        break;
      }
      case 9:
        api("POST", device(m) + "/routes", {{"routes", rng.below(4) > 0 ? some_routes : Json()}});
        break;
    }
    advance(std::chrono::milliseconds(rng.below(20'000)));
    if (step % 10 != 0) continue;
    advance(11s);
    const netmap::Netmap folded = viewer.state.netmap;
    viewer.state = {};
    poll(viewer);
    advance(100ms);
    EXPECT_EQ(peers_of(folded), peers_of(viewer.state.netmap)) << "step " << step;
    EXPECT_EQ(folded.self, viewer.state.netmap.self);
    EXPECT_EQ(folded.packet_filters, viewer.state.netmap.packet_filters);
    if (HasFailure()) break;
  }
}

}  // namespace
}  // namespace aya::serve
