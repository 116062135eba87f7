// Several connections with one key, and the mesh of a region.
#include "tests/coord-server/relay_server/relay_bench.h"

namespace aya::relay_server {
namespace {

using Types = std::vector<FrameType>;
using Texts = std::vector<std::string>;

TEST(DerpHubDuplicates, TheNewestReceivesThenWhoeverSpokeLast) {
  RelayBench bench;
  const auto bob = bench.join("bob");
  const auto old = bench.join("ann"), fresh = bench.join("ann");
  EXPECT_EQ(bench.hub.gauges().duplicated_keys, 1u);
  bench.send(bob, "ann", "to the newest");
  EXPECT_EQ(bench.packets(fresh), Texts{"to the newest"});
  bench.send(old, "bob", "I am here too");
  bench.send(bob, "ann", "to the speaker");
  EXPECT_EQ(bench.packets(old), Texts{"to the speaker"});
  EXPECT_FALSE(bench.hub.has_output(fresh));
}

TEST(DerpHubDuplicates, TheOneBeforeReceivesWhenTheSpeakerLeaves) {
  RelayBench bench;
  const auto bob = bench.join("bob");
  const auto one = bench.join("ann"), two = bench.join("ann"), three = bench.join("ann");
  for (const auto id : {three, one, two}) bench.ping(id, 0);
  for (const auto id : {three, one, two}) bench.read(id);
  bench.lose(two);
  bench.send(bob, "ann", "x");
  EXPECT_EQ(bench.packets(one), Texts{"x"});
  bench.lose(one);
  bench.send(bob, "ann", "y");
  EXPECT_EQ(bench.packets(three), Texts{"y"});
}

TEST(DerpHubDuplicates, NobodyReceivesWhileNoneHasSpoken) {
  RelayBench bench;
  const auto bob = bench.join("bob");
  const auto one = bench.join("ann"), two = bench.join("ann"), three = bench.join("ann");
  bench.lose(three);
  bench.send(bob, "ann", "x");
  EXPECT_EQ(bench.hub.counters().dropped(DropReason::DuplicateClient), 1u);
  bench.ping(two, 0);
  bench.read(two);
  bench.send(bob, "ann", "y");
  EXPECT_EQ(bench.packets(two), Texts{"y"});
  EXPECT_FALSE(bench.hub.has_output(one));
}

TEST(DerpHubDuplicates, APeerIsGoneOnlyWithItsLastConnection) {
  RelayBench bench;
  const auto bob = bench.join("bob");
  const auto one = bench.join("ann"), two = bench.join("ann");
  bench.send(one, "bob", "x");
  bench.read(bob);
  bench.lose(one);
  EXPECT_FALSE(bench.hub.has_output(bob));
  bench.lose(two);
  EXPECT_EQ(types_of(bench.read(bob)), Types{FrameType::PeerGone});
}

TEST(DerpHubDuplicates, AlternatingSpeakersAreToldThatTheirKeyIsInUseTwice) {
  RelayBench bench;
  const auto one = bench.join("ann"), two = bench.join("ann");
  const auto alternate = [&](ConnectionId id) {
    bench.ping(id, 0);
    bench.pass(100ms);
  };
  for (const auto id : {one, two}) alternate(id);
  for (const auto id : {one, two}) EXPECT_EQ(types_of(bench.read(id)), Types{FrameType::Pong});
  alternate(one);
  for (const auto id : {one, two}) {
    const auto told = bench.read(id);
    ASSERT_FALSE(told.empty());
    EXPECT_EQ(told[0].type, FrameType::Health);
    EXPECT_EQ(as_text(told[0].payload), "node key in use by 2 connections");
  }
  for (const auto id : {two, one, two}) alternate(id);
  bench.read(one), bench.read(two);
  EXPECT_EQ(bench.hub.counters().duplicate_alarms, 1u);  // said once
  bench.lose(two);
  const auto relieved = bench.read(one);
  ASSERT_EQ(types_of(relieved), Types{FrameType::Health});
  EXPECT_TRUE(relieved[0].payload.empty());
}

TEST(DerpHubDuplicates, RareChangesOfHandAlarmNobody) {
  RelayBench bench;
  const auto one = bench.join("ann"), two = bench.join("ann");
  for (int i = 0; i < 6; ++i) {
    const auto id = i % 2 ? two : one;
    bench.ping(id, 0);
    for (int s = 0; s < 31; ++s) {
      bench.read(one), bench.read(two);
      bench.pass(1s);
    }
  }
  EXPECT_EQ(bench.hub.counters().duplicate_alarms, 0u);
}

// ---- mesh

struct MeshBench : RelayBench {
  MeshBench() : RelayBench(DerpHub::Options{.mesh_key = mesh_key()}) {}
  void watch(ConnectionId id) {
    Buffer frame;
    derp::write_watch_conns(frame);
    receive(id, frame);
  }
  static derp::PeerPresent present(const SeenFrame& frame) {
    return std::get<derp::PeerPresent>(*derp::parse_from_relay(frame.type, frame.payload));
  }
};

TEST(DerpHubMesh, AWatcherLearnsWhoIsHereWhoComesAndWhoGoes) {
  MeshBench bench;
  const auto ann = bench.join("ann", {}, false);
  const auto mesh = bench.join("mesh", mesh_peer());
  bench.watch(mesh);
  std::map<NodePublicKey, std::uint8_t> here;
  for (const SeenFrame& frame : bench.read(mesh)) {
    EXPECT_EQ(frame.payload.size(), 51u);
    const auto present = bench.present(frame);
    EXPECT_TRUE(present.at);
    here[present.peer] = present.flags;
  }
  const std::map<NodePublicKey, std::uint8_t> expected = {
      {bench.node("ann"), derp::PeerPresent::kRegular | derp::PeerPresent::kNotIdeal},
      {bench.node("mesh"), derp::PeerPresent::kMeshPeer}};
  EXPECT_EQ(here, expected);

  derp::ClientInfo prober;
  prober.is_prober = true;
  bench.join("bob", prober);
  const auto came = bench.read(mesh);
  ASSERT_EQ(types_of(came), Types{FrameType::PeerPresent});
  EXPECT_EQ(bench.present(came[0]).peer, bench.node("bob"));
  EXPECT_EQ(bench.present(came[0]).flags, derp::PeerPresent::kProber);
  bench.lose(ann);
  EXPECT_EQ(types_of(bench.read(mesh)), Types{FrameType::PeerGone});
}

TEST(DerpHubMesh, AWatcherIsToldOfKeysWhoseConnectionsAreAllSilent) {
  MeshBench bench;
  bench.join("ann"), bench.join("ann");
  bench.lose(bench.join("ann"));  // two are left, and nobody receives
  const auto mesh = bench.join("mesh", mesh_peer());
  bench.watch(mesh);
  EXPECT_EQ(bench.read(mesh).size(), 2u);  // ann and itself
}

TEST(DerpHubMesh, DuplicatesAreAnnouncedEachAndTheirEndOnce) {
  MeshBench bench;
  const auto mesh = bench.join("mesh", mesh_peer());
  bench.watch(mesh);
  bench.read(mesh);
  const auto one = bench.join("ann"), two = bench.join("ann");
  EXPECT_EQ(bench.read(mesh).size(), 2u);
  bench.lose(one);
  EXPECT_FALSE(bench.hub.has_output(mesh));
  bench.lose(two);
  EXPECT_EQ(types_of(bench.read(mesh)), Types{FrameType::PeerGone});
}

TEST(DerpHubMesh, ForwardsInUnderTheFarSendersKeyAndNoFurther) {
  MeshBench bench;
  const auto mesh = bench.join("mesh", mesh_peer()), ann = bench.join("ann");
  Buffer frame;
  ASSERT_TRUE(derp::write_forward_packet(
      bench.node("far"), bench.node("ann"), as_bytes("from afar"), frame));
  ASSERT_TRUE(
      derp::write_forward_packet(bench.node("far"), bench.node("nobody"), disco_packet(90), frame));
  bench.receive(mesh, frame);
  const auto got = bench.read(ann);
  ASSERT_EQ(types_of(got), Types{FrameType::RecvPacket});
  EXPECT_EQ(source_of(got[0]), bench.node("far"));
  EXPECT_FALSE(bench.hub.has_output(mesh));  // not answered
  EXPECT_EQ(bench.hub.counters().dropped(DropReason::UnknownForwardedDestination), 1u);
}

TEST(DerpHubMesh, EvictsOnDemandOfAMeshPeer) {
  MeshBench bench;
  const auto mesh = bench.join("mesh", mesh_peer()), ann = bench.join("ann");
  Buffer frame;
  derp::write_close_peer(bench.node("ann"), frame);
  bench.receive(mesh, frame);
  EXPECT_EQ(bench.why_closed(ann), CloseReason::Evicted);
  frame.clear();
  derp::write_close_peer(bench.node("mesh"), frame);
  bench.receive(mesh, frame);
  EXPECT_EQ(bench.why_closed(mesh), CloseReason::Evicted);
}

TEST(DerpHubMesh, HangsUpOnMeshFramesWithoutTheKey) {
  const auto write_all = [](int which, Buffer& out) {
    if (which == 0) derp::write_watch_conns(out);
    if (which == 1) derp::write_close_peer(RelayBench::node("bob"), out);
    if (which == 2) {
      EXPECT_TRUE(derp::write_forward_packet(
          RelayBench::node("bob"), RelayBench::node("bob"), as_bytes("x"), out));
    }
  };
  for (int which = 0; which < 3; ++which) {
    MeshBench bench;
    derp::ClientInfo wrong;
    wrong.mesh_key = derp::MeshKey::parse(std::string(64, 'd'));
    const auto ann = bench.join("ann", wrong);
    Buffer frame;
    write_all(which, frame);
    bench.receive(ann, frame);
    EXPECT_EQ(bench.why_closed(ann), CloseReason::NotPermitted);
  }
}

TEST(DerpHubMesh, IsNotAskedForAdmissionNorSlowedDown) {
  RelayBench bench({.mesh_key = mesh_key(), .receive_rate = TokenRate{1, 1}});
  bench.banned.insert(bench.node("mesh"));
  const auto mesh = bench.join("mesh", mesh_peer());
  bench.join("ann");
  bench.send(mesh, "ann", Buffer(60000));
  bench.send(mesh, "ann", Buffer(60000));
  EXPECT_FALSE(bench.paused.contains(mesh));
}

}  // namespace
}  // namespace aya::relay_server
