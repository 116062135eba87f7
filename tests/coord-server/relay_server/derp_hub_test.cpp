#include "coord-server/relay_server/derp_hub.h"

#include "tests/coord-server/relay_server/relay_bench.h"

namespace aya::relay_server {
namespace {

using Types = std::vector<FrameType>;
using Texts = std::vector<std::string>;

TEST(DerpHub, SaysItsKeyFirstAndItsInfoOnceGreeted) {
  RelayBench bench;
  const ConnectionId id = bench.accept();
  const auto hello = bench.read(id);
  ASSERT_EQ(types_of(hello), Types{FrameType::ServerKey});
  EXPECT_EQ(*derp::parse_server_key(hello[0].payload), bench.hub.public_key());
  bench.greet(id, "ann");
  const auto info = bench.read(id);
  ASSERT_EQ(types_of(info), Types{FrameType::ServerInfo});
  EXPECT_TRUE(derp::open_server_info(bench.key("ann"), bench.hub.public_key(), info[0].payload));
  EXPECT_TRUE(bench.hub.is_connected(bench.node("ann")));
}

TEST(DerpHub, CarriesPacketsBothWaysUnderTheSendersKey) {
  RelayBench bench;
  const auto ann = bench.join("ann"), bob = bench.join("bob");
  bench.send(ann, "bob", "hello");
  bench.send(bob, "ann", "hello yourself");
  const auto got = bench.read(bob);
  ASSERT_EQ(types_of(got), Types{FrameType::RecvPacket});
  EXPECT_EQ(source_of(got[0]), bench.node("ann"));
  EXPECT_EQ(as_text(Bytes(got[0].payload).subspan(32)), "hello");
  EXPECT_EQ(bench.packets(ann), Texts{"hello yourself"});
  EXPECT_EQ(bench.hub.counters().packets_sent, 2u);
  EXPECT_EQ(bench.hub.counters().bytes_sent, 5u + 14u);
}

TEST(DerpHub, CarriesThePacketsOfManyClientsEachToItsOwn) {
  constexpr int kClients = 500;
  RelayBench bench;
  std::vector<ConnectionId> ids;
  for (int i = 0; i < kClients; ++i) ids.push_back(bench.join(std::to_string(i)));
  for (int i = 0; i < kClients; ++i) {
    const int to = (i * 7 + 3) % kClients;  // a permutation: 7 and 500 share no factor
    bench.send(ids[static_cast<std::size_t>(i)], std::to_string(to), std::to_string(i));
  }
  for (int i = 0; i < kClients; ++i) {
    const auto to = static_cast<std::size_t>((i * 7 + 3) % kClients);
    EXPECT_EQ(bench.packets(ids[to]), Texts{std::to_string(i)});
  }
  EXPECT_EQ(bench.hub.gauges().keys, static_cast<std::size_t>(kClients));
}

TEST(DerpHub, CarriesTheLargestPacketAndTheSmallest) {
  RelayBench bench;
  const auto ann = bench.join("ann"), bob = bench.join("bob");
  const Buffer large(derp::kMaxPacket, std::byte{0x5a});
  bench.send(ann, "bob", large);
  bench.send(ann, "bob", Bytes{});
  const auto got = bench.read(bob);
  ASSERT_EQ(got.size(), 2u);
  EXPECT_TRUE(equal_bytes(Bytes(got[0].payload).subspan(32), large));
  EXPECT_EQ(got[1].payload.size(), 32u);
}

TEST(DerpHub, TakesFramesHoweverTheyAreCut) {
  RelayBench bench;
  const auto ann = bench.join("ann"), bob = bench.join("bob");
  Buffer stream;
  for (const std::string_view text : {"one", "two", "three"}) {
    ASSERT_TRUE(derp::write_send_packet(bench.node("bob"), as_bytes(text), stream));
  }
  for (std::size_t i = 0; i < stream.size(); ++i) bench.receive(ann, Bytes(stream).subspan(i, 1));
  EXPECT_EQ(bench.packets(bob), (Texts{"one", "two", "three"}));
}

TEST(DerpHub, TakesPacketsRightBehindTheGreeting) {
  RelayBench bench;
  const auto bob = bench.join("bob");
  const auto ann = bench.accept();
  Buffer both;
  ASSERT_TRUE(derp::write_client_info(
      bench.key("ann"), bench.hub.public_key(), crypto::BoxNonce{}, {}, both));
  ASSERT_TRUE(derp::write_send_packet(bench.node("bob"), as_bytes("early"), both));
  bench.receive(ann, both);
  EXPECT_EQ(bench.packets(bob), Texts{"early"});
}

TEST(DerpHub, WakesAWriterOnceAndNeverCutsAFrame) {
  RelayBench bench;
  const auto ann = bench.join("ann"), bob = bench.join("bob");
  bench.woken.clear();
  bench.send(ann, "bob", "one");
  bench.send(ann, "bob", "two");
  EXPECT_EQ(bench.woken, std::vector{bob});
  EXPECT_EQ(bench.read(bob, 1).size(), 1u);
  EXPECT_TRUE(bench.hub.has_output(bob));
  EXPECT_EQ(bench.read(bob, 1).size(), 1u);
  EXPECT_FALSE(bench.hub.has_output(bob));
  EXPECT_TRUE(bench.read(bob, 0).empty());
}

// ---- queues

TEST(DerpHubQueues, HoldThirtyTwoOfEachKindAndTheOldestGoes) {
  RelayBench bench;
  const auto ann = bench.join("ann"), bob = bench.join("bob");
  for (int i = 0; i < 40; ++i) bench.send(ann, "bob", "data " + std::to_string(i));
  for (std::uint8_t i = 0; i < 33; ++i) bench.send(ann, "bob", disco_packet(80, i));
  const auto got = bench.packets(bob);
  ASSERT_EQ(got.size(), 64u);
  EXPECT_EQ(got[0].back(), 1);  // DISCO first; its number 0 is gone
  EXPECT_EQ(got[31].back(), 32);
  EXPECT_EQ(got[32], "data 8");
  EXPECT_EQ(got[63], "data 39");
  const auto& counters = bench.hub.counters();
  EXPECT_EQ(counters.dropped(DropReason::QueueHead, PacketKind::Other), 8u);
  EXPECT_EQ(counters.dropped(DropReason::QueueHead, PacketKind::Disco), 1u);
}

TEST(DerpHubQueues, TakeAShortPacketWithTheMagicForData) {
  RelayBench bench;
  const auto ann = bench.join("ann"), bob = bench.join("bob");
  bench.send(ann, "bob", "data");
  bench.send(ann, "bob", disco_packet(61, 7));
  bench.send(ann, "bob", disco_packet(62, 8));
  const auto got = bench.packets(bob);
  ASSERT_EQ(got.size(), 3u);
  EXPECT_EQ(got[0].size(), 62u);
  EXPECT_EQ(got[1], "data");
  EXPECT_EQ(got[2].size(), 61u);
}

TEST(DerpHubQueues, AnswerOnePingAtATimeAheadOfPackets) {
  RelayBench bench;
  const auto ann = bench.join("ann"), bob = bench.join("bob");
  bench.send(bob, "ann", "data");
  bench.ping(ann, 1);
  bench.ping(ann, 2);
  const auto got = bench.read(ann);
  ASSERT_EQ(types_of(got), (Types{FrameType::Pong, FrameType::RecvPacket}));
  EXPECT_EQ(got[0].payload[0], std::byte{1});
  bench.ping(ann, 3);
  EXPECT_EQ(bench.read(ann)[0].payload[0], std::byte{3});
  EXPECT_EQ(bench.hub.counters().pings, 3u);
}

TEST(DerpHubQueues, HoldOnlySoManyLargePacketsOverAll) {
  RelayBench bench;
  const auto ann = bench.join("ann");
  const Buffer large(40000);
  std::vector<ConnectionId> others;
  for (int i = 0; i < 9; ++i) others.push_back(bench.join(std::to_string(i)));
  for (int i = 0; i < 9; ++i) {
    for (int n = 0; n < 32; ++n) bench.send(ann, std::to_string(i), large);
  }
  const auto dropped = bench.hub.counters().dropped(DropReason::QueueTail);
  EXPECT_EQ(dropped, 9u * 32 - 256);
  for (const ConnectionId id : others) bench.read(id);
  bench.send(ann, "8", large);  // there is room again
  EXPECT_EQ(bench.hub.counters().dropped(DropReason::QueueTail), dropped);
}

// ---- who is here

TEST(DerpHubPresence, TellsThoseWhoHeardFromAClientThatItLeft) {
  RelayBench bench;
  const auto ann = bench.join("ann"), bob = bench.join("bob"), cid = bench.join("cid");
  bench.send(ann, "bob", "x");
  bench.send(ann, "bob", "y");
  bench.read(bob);
  bench.lose(ann);
  const auto told = bench.read(bob);
  ASSERT_EQ(types_of(told), Types{FrameType::PeerGone});
  const auto gone =
      std::get<derp::PeerGone>(*derp::parse_from_relay(FrameType::PeerGone, told[0].payload));
  EXPECT_EQ(gone.peer, bench.node("ann"));
  EXPECT_EQ(gone.reason, derp::PeerGone::kDisconnected);
  EXPECT_FALSE(bench.hub.has_output(cid));
  EXPECT_EQ(bench.why_closed(ann), CloseReason::PeerClosed);
}

TEST(DerpHubPresence, TellsAgainAfterAReturn) {
  RelayBench bench;
  const auto bob = bench.join("bob");
  for (int round = 0; round < 3; ++round) {
    const auto ann = bench.join("ann");
    bench.send(ann, "bob", "x");
    bench.lose(ann);
    EXPECT_EQ(types_of(bench.read(bob)), (Types{FrameType::PeerGone, FrameType::RecvPacket}));
  }
}

TEST(DerpHubPresence, DoesNotTellOneWhoLeftItself) {
  RelayBench bench;
  const auto ann = bench.join("ann"), bob = bench.join("bob");
  bench.send(ann, "bob", "x");
  bench.lose(bob);
  bench.woken.clear();
  bench.lose(ann);
  EXPECT_TRUE(bench.woken.empty());
  EXPECT_EQ(bench.hub.counters().dropped(DropReason::GoneDisconnected), 1u);
}

TEST(DerpHubPresence, AnswersDiscoForNobodyThreeTimesThenOnceASecond) {
  RelayBench bench;
  const auto ann = bench.join("ann");
  for (int i = 0; i < 10; ++i) bench.send(ann, "nobody", disco_packet(100));
  bench.send(ann, "nobody", "data is not answered");
  EXPECT_EQ(bench.read(ann).size(), 3u);
  bench.pass(1s);
  for (int i = 0; i < 10; ++i) bench.send(ann, "nobody", disco_packet(100));
  const auto told = bench.read(ann);
  ASSERT_EQ(types_of(told), Types{FrameType::PeerGone});
  EXPECT_EQ(told[0].payload.back(), std::byte{derp::PeerGone::kNotHere});
  const auto& counters = bench.hub.counters();
  EXPECT_EQ(counters.dropped(DropReason::UnknownDestination, PacketKind::Disco), 20u);
  EXPECT_EQ(counters.dropped(DropReason::UnknownDestination, PacketKind::Other), 1u);
}

TEST(DerpHubPresence, KnowsWhoCallsItHome) {
  RelayBench bench;
  const auto ann = bench.join("ann");
  Buffer frame;
  derp::write_note_preferred(true, frame);
  bench.receive(ann, frame);
  EXPECT_EQ(bench.hub.gauges().at_home, 1u);
  frame.clear();
  derp::write_note_preferred(false, frame);
  bench.receive(ann, frame);
  EXPECT_EQ(bench.hub.gauges().at_home, 0u);
}

TEST(DerpHubPresence, TellsEveryoneOfARestart) {
  RelayBench bench;
  const auto ann = bench.join("ann"), waiting = bench.accept();
  bench.read(waiting);
  bench.hub.announce_restart(1500ms, 10s, bench.now, bench.effects);
  bench.settle();
  EXPECT_EQ(types_of(bench.read(ann)), Types{FrameType::Restarting});
  EXPECT_FALSE(bench.hub.has_output(waiting));  // it has not greeted
}

// ---- limits

TEST(DerpHubLimits, HangsUpOnWhoDoesNotGreetWithinTenSeconds) {
  RelayBench bench;
  const auto silent = bench.accept(), ann = bench.join("ann");
  bench.read(silent);
  bench.pass(10s - 1ns);
  EXPECT_FALSE(bench.why_closed(silent));
  bench.pass(1ns);
  EXPECT_EQ(bench.why_closed(silent), CloseReason::NoGreeting);
  EXPECT_FALSE(bench.why_closed(ann));
}

TEST(DerpHubLimits, HangsUpOnAGreetingThatCannotBe) {
  RelayBench bench;
  const auto wrong_type = bench.accept(), huge = bench.accept(), forged = bench.accept();
  bench.ping(wrong_type, 0);
  Buffer header;
  derp::write_frame_header(FrameType::ClientInfo, derp::kMaxClientInfo + 1, header);
  bench.receive(huge, header);
  Buffer frame;
  derp::write_frame_header(FrameType::ClientInfo, 100, frame);
  frame.resize(frame.size() + 100, std::byte{9});
  bench.receive(forged, frame);
  EXPECT_EQ(bench.why_closed(wrong_type), CloseReason::BadGreeting);
  EXPECT_EQ(bench.why_closed(huge), CloseReason::BadGreeting);
  EXPECT_EQ(bench.why_closed(forged), CloseReason::BadGreeting);
  EXPECT_EQ(bench.hub.gauges().connections, 0u);
}

TEST(DerpHubLimits, AsksOnceWhetherAProvenKeyIsAdmitted) {
  RelayBench bench;
  bench.banned.insert(bench.node("eve"));
  const auto eve = bench.accept();
  bench.greet(eve, "eve");
  EXPECT_EQ(bench.why_closed(eve), CloseReason::NotAdmitted);
  bench.join("ann");
  EXPECT_EQ(bench.asked, 2);
  EXPECT_EQ(bench.hub.counters().not_admitted, 1u);
}

TEST(DerpHubLimits, TurnsAwayWhoComesWhenItIsFull) {
  RelayBench bench({.max_connections = 2});
  const auto ann = bench.join("ann");
  bench.join("bob");
  const auto cid = bench.accept();
  EXPECT_EQ(bench.why_closed(cid), CloseReason::TooManyConnections);
  bench.receive(cid, Buffer(100));  // late bytes of a stream that is being closed
  bench.lose(ann);
  bench.join("cid");
}

TEST(DerpHubLimits, HangsUpOnAStreamThatDoesNotMoveForTwoSeconds) {
  RelayBench bench;
  const auto ann = bench.join("ann"), bob = bench.join("bob");
  bench.send(ann, "bob", "one");
  bench.send(ann, "bob", "two");
  bench.pass(1900ms);
  bench.read(bob, 1);  // it moves, slowly
  bench.pass(1900ms);
  EXPECT_FALSE(bench.why_closed(bob));
  bench.pass(100ms);
  EXPECT_EQ(bench.why_closed(bob), CloseReason::WriteTimeout);
  EXPECT_EQ(bench.hub.counters().dropped(DropReason::WriteError), 1u);
}

TEST(DerpHubLimits, GivesMeshPeersThirtySecondsToWrite) {
  RelayBench bench({.mesh_key = mesh_key()});
  const auto mesh = bench.join("mesh", mesh_peer()), ann = bench.join("ann");
  bench.send(ann, "mesh", "x");
  bench.pass(30s - 1ns);
  EXPECT_FALSE(bench.why_closed(mesh));
  bench.pass(1ns);
  EXPECT_EQ(bench.why_closed(mesh), CloseReason::WriteTimeout);
}

TEST(DerpHubLimits, KeepsAStalledStreamWhereNoTimeoutIsWanted) {
  RelayBench bench({.write_timeout = Duration::zero()});
  const auto ann = bench.join("ann"), bob = bench.join("bob");
  bench.send(ann, "bob", "x");
  bench.pass(50s);
  EXPECT_FALSE(bench.why_closed(bob));
}

TEST(DerpHubLimits, SendsAKeepaliveEveryMinuteOrALittleMore) {
  RelayBench bench;
  const auto ann = bench.join("ann");
  for (int minute = 0; minute < 5; ++minute) {
    bench.pass(60s - 1ns);
    EXPECT_FALSE(bench.hub.has_output(ann));
    const TimePoint due = *bench.hub.next_deadline();
    ASSERT_LE(due - bench.now, 5s + 1ns);
    bench.pass(due - bench.now);
    EXPECT_EQ(types_of(bench.read(ann)), Types{FrameType::KeepAlive});
  }
}

TEST(DerpHubLimits, StopsReadingFromWhoSendsTooFast) {
  RelayBench bench({.receive_rate = TokenRate{.per_second = 10000, .burst = 1}});
  const auto ann = bench.join("ann"), bob = bench.join("bob");
  // The burst is raised to one largest frame.
  bench.send(ann, "bob", Buffer(derp::kMaxPacket));
  EXPECT_FALSE(bench.paused.contains(ann));
  bench.send(ann, "bob", Buffer(10000 - 32));
  EXPECT_TRUE(bench.paused[ann]);
  bench.read(bob);
  bench.pass(1s - 1ms);
  EXPECT_TRUE(bench.paused[ann]);
  bench.pass(1ms);
  EXPECT_FALSE(bench.paused[ann]);
  EXPECT_FALSE(bench.paused.contains(bob));
}

TEST(DerpHubLimits, ARateMayComeAndGo) {
  RelayBench bench;
  const auto ann = bench.join("ann");
  bench.join("bob");
  bench.hub.set_receive_rate(TokenRate{.per_second = 1000, .burst = 100000});
  for (int i = 0; i < 4; ++i) bench.send(ann, "bob", Buffer(30000));
  EXPECT_TRUE(bench.paused[ann]);
  bench.hub.set_receive_rate(std::nullopt);
  bench.pass(60s);
  EXPECT_FALSE(bench.paused[ann]);
}

TEST(DerpHubLimits, EvictsEveryConnectionOfAKey) {
  RelayBench bench;
  const auto one = bench.join("ann"), two = bench.join("ann"), bob = bench.join("bob");
  bench.send(one, "bob", "x");
  bench.read(bob);
  EXPECT_EQ(bench.hub.close_key(bench.node("ann"), bench.now, bench.effects), 2u);
  bench.settle();
  EXPECT_EQ(bench.why_closed(one), CloseReason::Evicted);
  EXPECT_EQ(bench.why_closed(two), CloseReason::Evicted);
  EXPECT_EQ(types_of(bench.read(bob)), Types{FrameType::PeerGone});
  EXPECT_EQ(bench.hub.close_key(bench.node("ann"), bench.now, bench.effects), 0u);
}

}  // namespace
}  // namespace aya::relay_server
