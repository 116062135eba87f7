// TlsStream's handshake. What every stream has in common is in byte_stream_test.cpp.
#include "proto/io/tls_stream.h"

#include <gtest/gtest.h>

#include <utility>

#include "tests/proto/io/stream_pair.h"

namespace aya::io {
namespace {

using namespace test;

class TlsStreamTest : public testing::Test {
 protected:
  void SetUp() override { plain_ = connect_tcp(loop_); }

  void make_client(const tls::TlsTrust& trust, const std::string& name = "relay.test") {
    trust_ = std::make_unique<tls::TlsClientContext>(trust);
    client_ = std::make_unique<TlsStream>(
        loop_, std::move(plain_.client), *tls::TlsSession::client(*trust_, {.server_name = name}),
        [this](const tls::TlsPeer& peer) {
          EXPECT_EQ(at_client_.heard, "") << "established comes before the first bytes";
          peer_ = peer;
          if (when_established_) when_established_();
        });
    client_->start(at_client_);
  }
  void make_server() {
    server_ = std::make_unique<TlsStream>(
        loop_, std::move(plain_.server), tls::TlsSession::server(*identity_));
    server_->start(at_server_);
  }
  bool run_until(const std::function<bool()>& done) { return loop_.run_until(done, kLimit); }

  Loop loop_;
  std::unique_ptr<tls::TlsServerContext> identity_ = self_signed_context(loop_, "relay.test");
  std::unique_ptr<tls::TlsClientContext> trust_;
  Listener at_client_, at_server_;
  StreamPair plain_;
  std::unique_ptr<ByteStream> client_, server_;
  std::optional<tls::TlsPeer> peer_;
  std::function<void()> when_established_;
};

TEST_F(TlsStreamTest, KnowsThePinnedPeer) {
  make_client(tls::TlsTrust::pinned(identity_->fingerprint()));
  make_server();
  server_->write(as_bytes("hello"));  // before the handshake: waits for it
  EXPECT_EQ(server_->queued(), 5u);
  ASSERT_TRUE(run_until([&] { return at_client_.heard == "hello"; }));
  EXPECT_EQ(server_->queued(), 0u);
  ASSERT_TRUE(peer_.has_value());
  EXPECT_EQ(peer_->fingerprint, identity_->fingerprint());
  EXPECT_TRUE(peer_->tls13);
  EXPECT_FALSE(peer_->relay_meta.has_value());
}

TEST_F(TlsStreamTest, HearsWhatARelayAnnounces) {
  tls::RelayMeta meta{.key = {}, .version = 2};
  meta.key.fill(std::byte{7});
  identity_ =
      self_signed_context(loop_, "relay.test", *tls::make_relay_meta(meta, loop_.wall_now()));
  make_client(tls::TlsTrust::pinned(identity_->fingerprint()));
  make_server();
  ASSERT_TRUE(run_until([&] { return peer_.has_value(); }));
  ASSERT_TRUE(peer_->relay_meta.has_value());
  EXPECT_EQ(peer_->relay_meta->key, meta.key);
}

TEST_F(TlsStreamTest, RefusesAnotherCertificateAndTellsThePeer) {
  make_client(tls::TlsTrust::pinned({}));
  make_server();
  ASSERT_TRUE(run_until([&] { return at_client_.closed && at_server_.closed; }));
  EXPECT_EQ(at_client_.closed->kind, IoError::Kind::Tls);
  EXPECT_EQ(at_server_.closed->kind, IoError::Kind::Tls);
  EXPECT_FALSE(peer_.has_value());
  EXPECT_EQ(at_client_.closings, 1);
}

TEST_F(TlsStreamTest, RefusesAnotherName) {
  make_client(tls::TlsTrust::pinned(identity_->fingerprint()), "other.test");
  make_server();
  ASSERT_TRUE(run_until([&] { return at_client_.closed.has_value(); }));
  EXPECT_EQ(at_client_.closed->kind, IoError::Kind::Tls);
}

TEST_F(TlsStreamTest, SaysThatThePeerDoesNotSpeakTls) {
  make_client(tls::TlsTrust::insecure());
  plain_.server->write(as_bytes("HTTP/1.1 400 Bad Request\r\n\r\n"));
  ASSERT_TRUE(run_until([&] { return at_client_.closed.has_value(); }));
  EXPECT_EQ(at_client_.closed->kind, IoError::Kind::Tls);
}

TEST_F(TlsStreamTest, SaysThatThePeerLeftDuringTheHandshake) {
  make_client(tls::TlsTrust::insecure());
  plain_.server->start(at_server_);
  ASSERT_TRUE(run_until([&] { return !at_server_.heard.empty(); }));
  plain_.server.reset();
  ASSERT_TRUE(run_until([&] { return at_client_.closed.has_value(); }));
  EXPECT_EQ(at_client_.closed->kind, IoError::Kind::Tls);
}

TEST_F(TlsStreamTest, ReportsATransportThatEndsWithoutAGoodbye) {
  make_client(tls::TlsTrust::insecure());
  make_server();
  ASSERT_TRUE(run_until([&] { return peer_.has_value(); }));
  // The transport itself ends, as when the other machine goes down: the session never says so.
  server_->write(as_bytes("last"));
  ASSERT_TRUE(run_until([&] { return at_client_.heard == "last"; }));
  server_->close();
  ASSERT_TRUE(run_until([&] { return at_client_.closed.has_value(); }));
  EXPECT_EQ(at_client_.closed->kind, IoError::Kind::Ended);
}

TEST_F(TlsStreamTest, DoesNotQueueForeverForAHandshake) {
  make_client(tls::TlsTrust::insecure());
  const std::string piece(ByteStream::kQueueLimit / 2 + 1, 'x');
  client_->write(as_bytes(piece));
  client_->write(as_bytes(piece));
  EXPECT_EQ(at_client_.closings, 0);
  ASSERT_TRUE(run_until([&] { return at_client_.closings == 1; }));
  EXPECT_EQ(at_client_.closed->kind, IoError::Kind::TooSlow);
}

TEST_F(TlsStreamTest, MayBeDestroyedWhenEstablished) {
  when_established_ = [&] { client_.reset(); };
  make_client(tls::TlsTrust::insecure());
  make_server();
  server_->write(as_bytes("unheard"));
  ASSERT_TRUE(run_until([&] { return at_server_.closed.has_value(); }));
  EXPECT_EQ(at_client_.heard, "");
  EXPECT_EQ(at_client_.closings, 0);
}

TEST_F(TlsStreamTest, KeepsWhatCameWithTheHandshakeWhenPausedByEstablished) {
  when_established_ = [&] { client_->pause(); };
  make_client(tls::TlsTrust::insecure());
  make_server();
  server_->write(as_bytes("early"));
  ASSERT_TRUE(run_until([&] { return peer_.has_value() && server_->queued() == 0; }));
  server_->close();
  loop_.run_until([] { return false; }, kMoment);
  EXPECT_EQ(at_client_.heard, "");
  client_->start(at_client_);
  EXPECT_EQ(at_client_.heard, "") << "not from inside start()";
  ASSERT_TRUE(run_until([&] { return at_client_.closed.has_value(); }));
  EXPECT_EQ(at_client_.heard, "early");
}

}  // namespace
}  // namespace aya::io
