#include "daemon/relay/derp_session.h"

#include <gtest/gtest.h>

#include "proto/base/hex.h"
#include "proto/disco/envelope.h"
#include "tests/support/seeded_rng.h"
#include "tests/support/test_vectors.h"

namespace aya::relay {
namespace {

using derp::FrameType;
using test::hex;
using test::Json;

// A session whose relay is the test itself, writing frames by hand.
struct SessionBench {
  explicit SessionBench(DerpSession::Options options = {})
      : session(self, std::move(options), rng, pool, now) {}

  static DerpSession::Options fast(const derp::RelayPublicKey& key) {
    return {.relay_key = key, .fast_start = true, .app_name = "ayatori"};
  }

  void receive(Bytes bytes) { session.receive(bytes, now, effects); }
  template <class Write>
  void relay_says(Write write) {
    Buffer frame;
    write(frame);
    receive(frame);
  }
  void say_key() {
    relay_says([&](Buffer& out) { derp::write_server_key(relay.public_key(), out); });
  }
  void say_info(const derp::ServerInfo& info = {}) {
    relay_says([&](Buffer& out) {
      ASSERT_TRUE(derp::write_server_info(relay, self.public_key(), {}, info, out));
    });
  }
  void become_ready(const derp::ServerInfo& info = {}) {
    say_key();
    written();
    say_info(info);
    ASSERT_TRUE(session.is_ready());
    effects.clear();
  }

  Buffer written(std::size_t room = SIZE_MAX / 2) {
    Buffer out;
    const std::size_t count = session.write(room, out, now);
    EXPECT_EQ(count, out.size());
    return out;
  }
  std::vector<FrameType> written_types(std::size_t room = SIZE_MAX / 2) {
    const Buffer stream = written(room);
    Bytes input = stream;
    std::vector<FrameType> types;
    derp::FrameReader reader;
    for (auto step = reader.step(input); step != derp::FrameReader::Step::NeedMore;
         step = reader.step(input)) {
      if (step == derp::FrameReader::Step::Frame) types.push_back(reader.header().type);
    }
    return types;
  }
  // The first byte of every packet that the session writes.
  std::string written_marks(std::size_t room = SIZE_MAX / 2) {
    const Buffer stream = written(room);
    Bytes input = stream;
    std::string marks;
    derp::FrameReader reader;
    for (auto step = reader.step(input); step != derp::FrameReader::Step::NeedMore;
         step = reader.step(input)) {
      if (step != derp::FrameReader::Step::Frame) continue;
      const auto sent = derp::parse_send_packet(reader.payload());
      if (sent) marks += as_text(sent->packet).back();
    }
    return marks;
  }

  void send(std::string_view text) {
    session.send(peer.public_key(), pool.copy_of(as_bytes(text)), now);
  }
  void send_disco(char mark) {
    Buffer packet(80, static_cast<std::byte>(mark));
    copy_bytes(MutableBytes(packet).first(disco::kMagic.size()), disco::kMagic);
    session.send(peer.public_key(), pool.copy_of(packet), now);
  }
  void pass(Duration time) {
    const TimePoint end = now + time;
    while (session.next_deadline() && *session.next_deadline() <= end) {
      now = *session.next_deadline();
      session.advance(now, effects);
    }
    now = end;
  }

  test::SeededRng rng;
  PacketPool pool;
  NodePrivateKey self = NodePrivateKey::generate(rng);
  NodePrivateKey peer = NodePrivateKey::generate(rng);
  derp::RelayPrivateKey relay = derp::RelayPrivateKey::generate(rng);
  TimePoint now{1000s};
  DerpSession::Effects effects;
  DerpSession session;
};

using Types = std::vector<FrameType>;

TEST(DerpSession, WaitsForTheRelaysKeyThenGreets) {
  SessionBench bench;
  EXPECT_FALSE(bench.session.has_output());
  bench.say_key();
  const Buffer hello = bench.written();
  const auto greeting =
      derp::open_client_info(bench.relay, Bytes(hello).subspan(derp::kFrameHeaderSize));
  ASSERT_TRUE(greeting);
  EXPECT_EQ(greeting->node, bench.self.public_key());
  EXPECT_TRUE(greeting->info.can_ack_pings);
  EXPECT_FALSE(bench.session.is_ready());
  bench.say_info();
  EXPECT_TRUE(bench.effects.became_ready);
  EXPECT_EQ(*bench.session.relay_key(), bench.relay.public_key());
}

TEST(DerpSession, GreetsAtOnceWhereTheKeyIsKnown) {
  test::SeededRng rng(7);
  const auto relay = derp::RelayPrivateKey::generate(rng);
  SessionBench bench(SessionBench::fast(relay.public_key()));
  bench.relay = relay;
  const Buffer hello = bench.written();
  const auto greeting = derp::open_client_info(relay, Bytes(hello).subspan(derp::kFrameHeaderSize));
  ASSERT_TRUE(greeting);
  EXPECT_EQ(greeting->info.app_name, "ayatori");
  bench.say_key();  // said to fast starters as well
  EXPECT_FALSE(bench.session.has_output());
  bench.say_info();
  EXPECT_TRUE(bench.effects.became_ready);
}

TEST(DerpSession, RefusesARelayWithAnotherKeyThanPromised) {
  test::SeededRng rng(7);
  for (const bool fast : {false, true}) {
    DerpSession::Options options;
    options.relay_key = derp::RelayPrivateKey::generate(rng).public_key();
    options.fast_start = fast;
    SessionBench bench(options);
    bench.say_key();
    EXPECT_EQ(bench.effects.failed, SessionFailure::WrongRelayKey);
    EXPECT_FALSE(bench.session.has_output());
  }
}

TEST(DerpSession, RefusesAGreetingThatIsNotOne) {
  SessionBench keepalive_first;
  keepalive_first.relay_says([](Buffer& out) { derp::write_keep_alive(out); });
  EXPECT_EQ(keepalive_first.effects.failed, SessionFailure::BadGreeting);

  SessionBench forged_info;
  forged_info.say_key();
  forged_info.relay_says([&](Buffer& out) {
    ASSERT_TRUE(derp::write_server_info(
        derp::RelayPrivateKey::generate(forged_info.rng), forged_info.self.public_key(), {}, {},
        out));
  });
  EXPECT_EQ(forged_info.effects.failed, SessionFailure::BadGreeting);

  SessionBench web_server;
  web_server.receive(as_bytes("HTTP/1.1 400 Bad Request\r\n\r\n"));
  EXPECT_TRUE(web_server.session.has_failed());
}

TEST(DerpSession, SkipsWhatItDoesNotKnowAndRefusesWhatIsTooLarge) {
  SessionBench bench;
  bench.become_ready();
  const Buffer unknown = hex(std::string_view("5500000003616263"));
  bench.receive(unknown);
  bench.relay_says([](Buffer& out) { derp::write_frame_header(FrameType::PeerGone, 0, out); });
  EXPECT_EQ(bench.session.counters().skipped_frames, 2u);
  EXPECT_FALSE(bench.effects.failed);
  bench.relay_says([](Buffer& out) {
    derp::write_frame_header(FrameType::RecvPacket, derp::kMaxClientFrame + 1, out);
  });
  EXPECT_EQ(bench.effects.failed, SessionFailure::FrameTooLarge);
}

TEST(DerpSession, HandsOverPacketsAndNews) {
  SessionBench bench;
  bench.become_ready();
  const NodePublicKey peer = bench.peer.public_key();
  bench.relay_says([&](Buffer& out) {
    ASSERT_TRUE(derp::write_recv_packet(peer, as_bytes("hello"), out));
    derp::write_peer_gone(peer, derp::PeerGone::kNotHere, out);
    derp::write_health("two of you", out);
    derp::write_restarting({.reconnect_in = 2s, .try_for = 20s}, out);
  });
  ASSERT_EQ(bench.effects.packets.size(), 1u);
  EXPECT_EQ(bench.effects.packets[0].from, peer);
  EXPECT_EQ(as_text(bench.effects.packets[0].packet.bytes()), "hello");
  ASSERT_EQ(bench.effects.gone.size(), 1u);
  EXPECT_EQ(bench.effects.gone[0].reason, derp::PeerGone::kNotHere);
  EXPECT_EQ(bench.effects.health, "two of you");
  ASSERT_TRUE(bench.effects.restarting);
  EXPECT_EQ(bench.effects.restarting->reconnect_in, 2s);
}

TEST(DerpSession, DropsAPacketLargerThanItsPool) {
  SessionBench bench;
  bench.become_ready();
  bench.relay_says([&](Buffer& out) {
    const Buffer large(bench.pool.max_data() + 1);
    ASSERT_TRUE(derp::write_recv_packet(bench.peer.public_key(), large, out));
  });
  EXPECT_TRUE(bench.effects.packets.empty());
  EXPECT_EQ(bench.session.counters().dropped_size, 1u);
}

TEST(DerpSession, AnswersPings) {
  SessionBench bench;
  bench.become_ready();
  bench.relay_says([](Buffer& out) { derp::write_ping({std::byte{9}}, out); });
  EXPECT_EQ(to_hex(bench.written()), "13000000080900000000000000");
}

TEST(DerpSession, SaysWhetherItIsHomeOnceReadyAndAtEachChange) {
  SessionBench bench;
  bench.session.note_preferred(true);
  EXPECT_FALSE(bench.session.has_output());
  bench.say_key();
  bench.written();
  bench.say_info();
  EXPECT_EQ(to_hex(bench.written()), "070000000101");
  bench.session.note_preferred(true);
  EXPECT_FALSE(bench.session.has_output());
  bench.session.note_preferred(false);
  EXPECT_EQ(to_hex(bench.written()), "070000000100");
}

// ---- the queue

TEST(DerpSession, KeepsPacketsUntilItIsReadyThenSendsDiscoFirst) {
  SessionBench bench;
  bench.send("a");
  bench.send_disco('B');
  bench.send("c");
  bench.say_key();
  EXPECT_EQ(bench.written_types(), Types{FrameType::ClientInfo});
  bench.say_info();
  EXPECT_EQ(bench.written_marks(), "Bac");
  EXPECT_EQ(bench.session.counters().sent, 3u);
  EXPECT_EQ(bench.session.last_packet_written(), bench.now);
}

TEST(DerpSession, HoldsThirtyTwoPacketsAndDropsTheOldest) {
  SessionBench bench;
  bench.become_ready();
  for (char c = 'A'; c < 'A' + 34; ++c) bench.send(std::string(1, c));
  bench.send_disco('!');
  EXPECT_EQ(bench.session.counters().dropped_queue, 3u);
  const std::string marks = bench.written_marks();
  EXPECT_EQ(marks.size(), 32u);
  EXPECT_EQ(marks.substr(0, 2), "!D");
}

TEST(DerpSession, WritesWholeFramesAndNoMoreThanThereIsRoomFor) {
  SessionBench bench;
  bench.become_ready();
  for (const char* text : {"a", "b", "c"}) bench.send(text);
  EXPECT_EQ(bench.written_marks(1), "a");
  EXPECT_EQ(bench.written_marks(0), "");
  EXPECT_EQ(bench.written_marks(39), "bc");  // one frame is 38 bytes
}

TEST(DerpSession, DropsWhatTheRelayWouldNotTake) {
  SessionBench bench;
  derp::ServerInfo info;
  info.token_bucket_bytes_per_second = 1000;
  info.token_bucket_bytes_burst = 500;
  bench.become_ready(info);
  const std::string packet(200 - derp::kKeyedHeaderSize, 'x');
  for (int i = 0; i < 3; ++i) bench.send(packet);
  EXPECT_EQ(bench.written_marks(), "xx");
  EXPECT_EQ(bench.session.counters().dropped_rate, 1u);
  bench.now += 100ms;
  bench.send(packet);
  EXPECT_EQ(bench.written_marks(), "x");
}

// ---- time

TEST(DerpSession, GivesARelayTenSecondsToGreet) {
  SessionBench bench;
  bench.say_key();
  bench.pass(10s - 1ns);
  EXPECT_FALSE(bench.session.has_failed());
  bench.pass(1ns);
  EXPECT_EQ(bench.effects.failed, SessionFailure::NoGreeting);
  EXPECT_FALSE(bench.session.next_deadline());
}

TEST(DerpSession, GivesUpAfterTwoMinutesOfSilence) {
  SessionBench bench;
  bench.become_ready();
  bench.pass(100s);
  bench.relay_says([](Buffer& out) { derp::write_keep_alive(out); });
  bench.pass(120s - 1ns);
  EXPECT_FALSE(bench.session.has_failed());
  bench.pass(1ns);
  EXPECT_EQ(bench.effects.failed, SessionFailure::Silent);
}

TEST(DerpSession, AsksForASignOfLifeAndMeasuresIt) {
  SessionBench bench;
  bench.become_ready();
  bench.session.probe(bench.now);
  Buffer ping = bench.written();
  ASSERT_EQ(ping.size(), derp::kFrameHeaderSize + 8);
  bench.pass(70ms);
  ping[0] = static_cast<std::byte>(FrameType::Pong);
  bench.receive(ping);
  EXPECT_EQ(bench.effects.pong, 70ms);
  bench.pass(10s);
  EXPECT_FALSE(bench.session.has_failed());
}

TEST(DerpSession, FailsThreeSecondsAfterAProbeWithoutAnswer) {
  SessionBench bench;
  bench.become_ready();
  bench.session.probe(bench.now);
  bench.written();
  bench.relay_says([](Buffer& out) { derp::write_pong({std::byte{1}}, out); });  // another's
  bench.pass(3s - 1ns);
  EXPECT_FALSE(bench.session.has_failed());
  bench.pass(1ns);
  EXPECT_EQ(bench.effects.failed, SessionFailure::NoPong);
}

TEST(DerpSession, DoubtsARelayThatNeverAnswersTraffic) {
  SessionBench bench;
  bench.become_ready();
  bench.pass(1s);
  bench.send("x");
  bench.written();
  bench.pass(15s);
  EXPECT_EQ(bench.written_types(), Types{FrameType::Ping});
  bench.pass(5s);
  EXPECT_EQ(bench.effects.failed, SessionFailure::NoPong);
}

TEST(DerpSession, DoesNotDoubtARelayThatIsLeftAlone) {
  SessionBench bench;
  bench.become_ready();
  bench.relay_says([](Buffer& out) { derp::write_keep_alive(out); });
  bench.pass(119s);
  EXPECT_FALSE(bench.session.has_output());
  EXPECT_FALSE(bench.session.has_failed());
}

TEST(DerpSession, IsDeafAfterItHasFailed) {
  SessionBench bench;
  bench.become_ready();
  bench.send("x");
  bench.pass(120s);
  ASSERT_TRUE(bench.session.has_failed());
  bench.send("y");
  bench.say_key();
  EXPECT_FALSE(bench.session.has_output());
  EXPECT_EQ(bench.pool.in_use(), 0u);
}

// ---- recorded bytes

NodePrivateKey node_key(const Json& text) {
  return NodePrivateKey(crypto::Key32(std::span<const std::byte, 32>(hex(text).data(), 32)));
}

TEST(DerpVectors, ASessionTakesTheGreetingsThatTheReferenceTakes) {
  for (const Json& c : test::vector_cases("wire", "derp.json", "client_greeting")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    SessionBench bench;
    bench.receive(hex(c.at("input")));
    bench.pass(10s - 1ns);
    EXPECT_EQ(bench.session.has_output(), c.at("ok").get<bool>());
  }
}

TEST(DerpVectors, ASessionReadsTheStreamsThatTheReferenceReads) {
  for (const Json& c : test::vector_cases("wire", "derp.json", "client_recv")) {
    SCOPED_TRACE(c.at("name").get<std::string>());
    SessionBench bench;
    DerpSession::Options options;
    options.relay_key =
        derp::RelayPublicKey(std::span<const std::byte, 32>(hex(c.at("server_public")).data(), 32));
    options.fast_start = true;
    const NodePrivateKey self = node_key(c.at("client_private"));
    DerpSession session(self, options, bench.rng, bench.pool, bench.now);
    session.receive(hex(c.at("input")), bench.now, bench.effects);
    EXPECT_EQ(session.has_failed(), c.at("end") == "error");
    std::size_t packets = 0, gone = 0;
    bool ready = false;
    for (const Json& message : c.at("messages")) {
      ready |= message.at("type") == "ServerInfo";
      packets += ready && message.at("type") == "RecvPacket";
      gone += ready && message.at("type") == "PeerGone";
    }
    EXPECT_EQ(bench.effects.became_ready, ready);
    EXPECT_EQ(bench.effects.packets.size(), packets);
    EXPECT_EQ(bench.effects.gone.size(), gone);
  }
}

TEST(UpgradeRequest, NamesWhatItWants) {
  EXPECT_EQ(
      to_http({.host = "derp1.example.com"}),
      "GET /derp HTTP/1.1\r\nHost: derp1.example.com\r\nConnection: Upgrade\r\nUpgrade: "
      "DERP\r\n\r\n");
  const std::string text = to_http({.host = "h", .fast_start = true, .ideal_node = "1a"});
  EXPECT_NE(text.find("\r\nIdeal-Node: 1a\r\n"), std::string::npos);
  EXPECT_NE(text.find("\r\nDerp-Fast-Start: 1\r\n"), std::string::npos);
}

}  // namespace
}  // namespace aya::relay
