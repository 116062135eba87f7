// One connection, byte for byte: pieces of any size, garbage at every stage, streams and their
// ends.
#include "daemon/coord/coord_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/base/base64.h"
#include "tests/daemon/coord/fake_coordinator.h"
#include "tests/support/seeded_rng.h"

namespace aya::coord {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class Session : public testing::Test {
 protected:
  explicit Session(std::optional<std::size_t> piece = {}) : piece_(piece) { start(); }

  void start() {
    server.hang_up(kLink);
    server.accept(kLink);
    session.emplace(
        CoordSession::Options{"coord.test", MachinePrivateKey::generate(rng), std::nullopt}, rng);
  }
  void run() {
    for (bool moved = true; moved;) {
      Buffer out;
      session->take_output(out);
      moved = !out.empty();
      server.receive(kLink, out);
      const Buffer back = server.take_output(kLink);
      moved |= !back.empty();
      receive(back);
    }
  }
  void receive(Bytes bytes) {
    while (!bytes.empty()) {
      const auto now = bytes.first(std::min(piece_.value_or(bytes.size()), bytes.size()));
      session->receive(now);
      bytes = bytes.subspan(now.size());
    }
    for (SessionEvent& event : session->take_events()) {
      if (const auto* answer = std::get_if<Answered>(&event)) answers.push_back(*answer);
      if (const auto* map = std::get_if<MapArrived>(&event)) domains.push_back(map->message.domain);
      if (const auto* end = std::get_if<MapEnded>(&event)) ends.push_back(end->status);
      if (const auto* failed = std::get_if<SessionFailed>(&event))
        failures.push_back(failed->reason);
    }
  }
  Stream open_map() {
    control::MapRequest request;
    request.version = 113;
    request.compress = "zstd";
    request.stream = true;
    const auto stream = session->open_map(request);
    EXPECT_TRUE(stream);
    run();
    return stream.value_or(0);
  }

  static constexpr LinkId kLink{1};
  test::SeededRng rng;
  FakeCoordinator server{rng};
  std::optional<CoordSession> session;
  std::vector<Answered> answers;
  std::vector<std::string> domains, failures;
  std::vector<int> ends;

 private:
  std::optional<std::size_t> piece_;
};

class InPieces : public Session, public testing::WithParamInterface<std::size_t> {
 protected:
  InPieces() : Session(GetParam()) {}
};

TEST_P(InPieces, KeyUpgradeNoiseAndMapComeThrough) {
  for (const bool early : {true, false}) {
    server.early_payload = early;
    start();
    run();
    EXPECT_TRUE(session->established());
    open_map();
    EXPECT_THAT(failures, SizeIs(0));
  }
  EXPECT_THAT(domains, ElementsAre("mesh.test", "mesh.test"));
}

INSTANTIATE_TEST_SUITE_P(Size, InPieces, testing::Values(1, 2, 3, 7, 50, 52, 1000));

TEST_F(Session, GarbageIsAFailureAtEveryStageAndNothingFollowsIt) {
  session->receive(as_bytes("SSH-2.0-OpenSSH_9.2p1 Debian\r\n\r\n"));
  receive({});
  EXPECT_THAT(failures, ElementsAre(HasSubstr("does not answer in HTTP")));
  run();
  receive(as_bytes("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_THAT(failures, SizeIs(1));
  EXPECT_TRUE(session->failed());
  EXPECT_EQ(session->post_json("/machine/register", "{}"), std::nullopt);
}

TEST_F(Session, ARecordThatWasTouchedEndsTheSession) {
  run();
  open_map();
  server.keepalive();
  Buffer bytes = server.take_output(kLink);
  ASSERT_FALSE(bytes.empty());
  bytes[bytes.size() / 2] ^= std::byte{1};
  receive(bytes);
  EXPECT_THAT(failures, ElementsAre("a record did not open"));
  EXPECT_THAT(ends, ElementsAre(0));
}

TEST_F(Session, TheEndOfTheTransportBreaksWhatIsOpenAndIsToldOnce) {
  server.on_register = [](const auto&) { return std::nullopt; };
  run();
  open_map();
  ASSERT_TRUE(session->post_json("/machine/register", "{}"));
  run();
  session->on_closed("reset by peer");
  session->on_closed("reset by peer");
  receive({});
  receive(as_bytes("more"));
  EXPECT_THAT(failures, ElementsAre("reset by peer"));
  EXPECT_THAT(ends, ElementsAre(0));
  ASSERT_THAT(answers, SizeIs(1));
  EXPECT_EQ(answers[0].response.status, 0);
}

TEST_F(Session, ACancelledStreamIsSilent) {
  server.on_register = [](const auto&) { return std::nullopt; };
  run();
  const Stream map = open_map();
  const auto question = session->post_json("/machine/register", "{}");
  run();
  session->cancel(map);
  session->cancel(*question);
  run();
  EXPECT_EQ(server.open_polls(), 0u);
  server.answer_waiting(FakeCoordinator::welcome());
  run();
  session->on_closed("over");
  receive({});
  EXPECT_THAT(ends, SizeIs(0));
  EXPECT_THAT(answers, SizeIs(0));
  EXPECT_THAT(failures, ElementsAre("over"));
}

TEST_F(Session, AnAnswerIsKeptUpToAMegabyte) {
  server.on_register = [](const auto&) {
    return http::Response::json(200, std::string(3 << 20, ' '));
  };
  run();
  ASSERT_TRUE(session->post_json("/machine/register", "{}"));
  run();
  ASSERT_THAT(answers, SizeIs(1));
  EXPECT_LE(answers[0].response.body.size(), CoordSession::kMaxAnswer);
  // The rest was worked off all the same: the connection still carries answers.
  server.on_register = [](const auto&) { return http::Response::json(200, "{}"); };
  ASSERT_TRUE(session->post_json("/machine/register", "{}"));
  run();
  EXPECT_THAT(answers, SizeIs(2));
}

TEST_F(Session, ABodyWithoutEndIsWorkedOffAsItComes) {
  run();
  open_map();
  // Several stream windows of messages that do not compress.
  for (int i = 0; i < 20; ++i) {
    Buffer random(512 * 1024), frame;
    rng.fill(random);
    control::MapFrameEncoder().append(
        "{\"Domain\":\"x\",\"Padding\":\"" + to_base64(random) + "\"}", control::Compression::Zstd,
        frame);
    server.say_bytes(frame);
    run();
  }
  EXPECT_THAT(domains, SizeIs(21));
  EXPECT_THAT(ends, SizeIs(0));
}

TEST_F(Session, PingsAreCountedAsTheyAreAnswered) {
  run();
  EXPECT_EQ(session->pongs(), 0u);
  session->ping();
  session->ping();
  run();
  EXPECT_EQ(session->pongs(), 2u);
}

TEST_F(Session, AServerThatGoesAwayTakesNoMoreRequestsAndEndsWithItsLastStream) {
  run();
  open_map();
  server.go_away();
  run();
  EXPECT_FALSE(session->failed());
  EXPECT_EQ(session->post_json("/machine/register", "{}"), std::nullopt);
  server.end_polls();
  run();
  EXPECT_THAT(ends, ElementsAre(200));
  EXPECT_THAT(failures, ElementsAre("the server ended the connection"));
}

}  // namespace
}  // namespace aya::coord
