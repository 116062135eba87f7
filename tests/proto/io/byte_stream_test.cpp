// What ByteStream promises, kept by every kind of stream: TCP, unix, and TLS over TCP.
#include "proto/io/byte_stream.h"

#include <gtest/gtest.h>

#include <utility>

#include "tests/proto/io/stream_pair.h"

namespace aya::io {
namespace {

using namespace test;

enum class Over { Tcp, Unix, Tls };

// Text of which every part can be told from every other.
std::string numbered_lines(std::size_t size) {
  std::string out;
  for (int line = 0; out.size() < size; ++line) out += std::to_string(line) + "\n";
  return out;
}

class ByteStreamTest : public testing::TestWithParam<Over> {
 protected:
  void SetUp() override { connect(loop_); }

  void connect(Loop& loop) {
    StreamPair pair = GetParam() == Over::Unix ? connect_local(loop) : connect_tcp(loop);
    if (GetParam() == Over::Tls) pair = secure(loop, std::move(pair));
    client_ = std::move(pair.client);
    server_ = std::move(pair.server);
  }

  // Both ends as they are after the handshake, with nobody listening.
  StreamPair secure(Loop& loop, StreamPair plain) {
    int ready = 0;
    const auto count = [&](const tls::TlsPeer&) { ++ready; };
    auto session = tls::TlsSession::client(trust_, {.server_name = "a.test"});
    Listener nobody;
    StreamPair pair{
        std::make_unique<TlsStream>(loop, std::move(plain.client), *std::move(session), count),
        std::make_unique<TlsStream>(
            loop, std::move(plain.server), tls::TlsSession::server(*identity_), count)};
    pair.client->start(nobody);
    pair.server->start(nobody);
    EXPECT_TRUE(loop.run_until([&] { return ready == 2; }, kLimit));
    pair.client->pause();
    pair.server->pause();
    return pair;
  }

  bool run_until(const std::function<bool()>& done) { return loop_.run_until(done, kLimit); }
  void wait_a_moment() {
    loop_.run_until([] { return false; }, kMoment);
  }

  Loop loop_;
  std::unique_ptr<tls::TlsServerContext> identity_ = self_signed_context(loop_, "a.test");
  tls::TlsClientContext trust_{tls::TlsTrust::insecure()};
  Listener at_client_, at_server_;
  std::unique_ptr<ByteStream> client_, server_;
};

TEST_P(ByteStreamTest, CarriesBytesBothWaysInOrder) {
  client_->start(at_client_);
  server_->start(at_server_);
  const std::string there = numbered_lines(3'000'000), back = "<" + numbered_lines(2'000'000);
  for (std::size_t at = 0; at < there.size(); at += 100'000) {
    client_->write(as_bytes(std::string_view(there).substr(at, 100'000)));
  }
  server_->write(as_bytes(back));
  ASSERT_TRUE(run_until([&] {
    return at_server_.heard.size() >= there.size() && at_client_.heard.size() >= back.size();
  }));
  EXPECT_TRUE(at_server_.heard == there);
  EXPECT_TRUE(at_client_.heard == back);
  EXPECT_EQ(client_->queued(), 0u);
}

TEST_P(ByteStreamTest, ReportsNothingBeforeItIsStarted) {
  client_->write(as_bytes("early"));
  client_.reset();
  wait_a_moment();
  EXPECT_EQ(at_server_.heard, "");
  server_->start(at_server_);
  ASSERT_TRUE(run_until([&] { return at_server_.closed.has_value(); }));
  EXPECT_EQ(at_server_.heard, "early");
  EXPECT_EQ(at_server_.closed->kind, IoError::Kind::Ended);
}

TEST_P(ByteStreamTest, HoldsThePeerBackWhilePaused) {
  client_->start(at_client_);
  server_->start(at_server_);
  server_->pause();
  const std::string text = numbered_lines(16'000'000);
  client_->write(as_bytes(text));
  wait_a_moment();
  EXPECT_EQ(at_server_.heard, "");
  EXPECT_GT(client_->queued(), ByteStream::kHighWater);
  EXPECT_EQ(at_client_.drained, 0);
  server_->start(at_server_);
  ASSERT_TRUE(run_until([&] { return at_server_.heard.size() >= text.size(); }));
  EXPECT_TRUE(at_server_.heard == text);
  ASSERT_TRUE(run_until([&] { return at_client_.drained == 1; }));
  EXPECT_EQ(client_->queued(), 0u);
  client_->write(as_bytes("small"));
  wait_a_moment();
  EXPECT_EQ(at_client_.drained, 1);
}

TEST_P(ByteStreamTest, GoesOnToAnotherHandlerFromWithinACallback) {
  Listener second;
  client_->start(at_client_);
  server_->start(at_server_);
  at_server_.then = [&] { server_->start(second); };
  client_->write(as_bytes("first"));
  ASSERT_TRUE(run_until([&] { return !at_server_.heard.empty(); }));
  client_->write(as_bytes("second"));
  ASSERT_TRUE(run_until([&] { return second.heard == "second"; }));
  EXPECT_EQ(at_server_.heard, "first");
}

TEST_P(ByteStreamTest, MayBePausedByItsHandler) {
  client_->start(at_client_);
  server_->start(at_server_);
  at_server_.then = [&] { server_->pause(); };
  client_->write(as_bytes("one"));
  ASSERT_TRUE(run_until([&] { return !at_server_.heard.empty(); }));
  client_->write(as_bytes("two"));
  client_.reset();
  wait_a_moment();
  EXPECT_EQ(at_server_.heard, "one");
  EXPECT_EQ(at_server_.closings, 0);
  at_server_.then = nullptr;
  server_->start(at_server_);
  ASSERT_TRUE(run_until([&] { return at_server_.closings == 1; }));
  EXPECT_EQ(at_server_.heard, "onetwo");
}

TEST_P(ByteStreamTest, WritesItsQueueBeforeItCloses) {
  client_->start(at_client_);
  server_->start(at_server_);
  const std::string text = numbered_lines(8'000'000);
  server_->write(as_bytes(text));
  server_->close();
  server_->write(as_bytes("not any more"));
  EXPECT_EQ(server_->queued(), 0u);
  ASSERT_TRUE(run_until([&] { return at_client_.closed.has_value(); }));
  EXPECT_TRUE(at_client_.heard == text);
  EXPECT_EQ(at_client_.closed->kind, IoError::Kind::Ended);
  EXPECT_EQ(at_server_.closings, 0) << "who closes is not told";
}

TEST_P(ByteStreamTest, EndsWhenThePeerDoesNotRead) {
  client_->start(at_client_);
  const std::string piece(8'000'000, 'x');
  for (int i = 0; i < 10; ++i) client_->write(as_bytes(piece));
  EXPECT_EQ(at_client_.closings, 0) << "not from inside write()";
  ASSERT_TRUE(run_until([&] { return at_client_.closings == 1; }));
  EXPECT_EQ(at_client_.closed->kind, IoError::Kind::TooSlow);
}

TEST_P(ByteStreamTest, IgnoresWritesAfterItsEnd) {
  client_->start(at_client_);
  server_.reset();
  at_client_.at_end = [&] { client_->write(as_bytes("too late")); };
  ASSERT_TRUE(run_until([&] { return at_client_.closings == 1; }));
  client_->write(as_bytes("later still"));
  wait_a_moment();
  EXPECT_EQ(at_client_.closings, 1);
}

TEST_P(ByteStreamTest, MayBeDestroyedByWhatItDelivers) {
  client_->start(at_client_);
  server_->start(at_server_);
  at_server_.then = [&] { server_.reset(); };
  client_->write(as_bytes("one"));
  ASSERT_TRUE(run_until([&] { return server_ == nullptr; }));
  client_->write(as_bytes("two"));
  ASSERT_TRUE(run_until([&] { return at_client_.closed.has_value(); }));
  EXPECT_EQ(at_server_.heard, "one");
  EXPECT_EQ(at_server_.closings, 0);
}

TEST_P(ByteStreamTest, MayBeDestroyedByTheReportOfItsEnd) {
  client_->start(at_client_);
  at_client_.at_end = [&] { client_.reset(); };
  server_->write(as_bytes("bye"));
  server_.reset();
  ASSERT_TRUE(run_until([&] { return client_ == nullptr; }));
  EXPECT_EQ(at_client_.heard, "bye");
}

TEST_P(ByteStreamTest, MayBeDestroyedWhenItHasDrained) {
  client_->start(at_client_);
  server_->start(at_server_);
  at_client_.when_drained = [&] { client_.reset(); };
  const std::string text(4 * ByteStream::kHighWater, 'x');
  client_->write(as_bytes(text));
  ASSERT_TRUE(run_until([&] { return at_server_.closed.has_value(); }));
  EXPECT_EQ(client_, nullptr);
  EXPECT_EQ(at_server_.heard.size(), text.size());
}

TEST_P(ByteStreamTest, MayBeDestroyedWhileAFailureWaitsToBeTold) {
  client_->start(at_client_);
  client_->write(as_bytes(std::string(ByteStream::kQueueLimit + 1, 'x')));
  client_.reset();
  wait_a_moment();
  EXPECT_EQ(at_client_.closings, 0);
}

TEST_P(ByteStreamTest, ALoopMayEndUnderAStreamThatIsStillWriting) {
  Loop brief;
  connect(brief);
  client_->start(at_client_);
  client_->write(as_bytes(std::string(16'000'000, 'x')));
  client_.reset();
  server_.reset();
}

INSTANTIATE_TEST_SUITE_P(
    Over, ByteStreamTest, testing::Values(Over::Tcp, Over::Unix, Over::Tls), [](const auto& over) {
      return std::string(
          over.param == Over::Tcp    ? "Tcp"
          : over.param == Over::Unix ? "Unix"
                                     : "Tls");
    });

}  // namespace
}  // namespace aya::io
