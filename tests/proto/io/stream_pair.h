// Two connected ends of each kind of stream, and a handler that keeps what it hears.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "proto/io/tcp_stream.h"
#include "proto/io/tls_stream.h"
#include "proto/io/unix_stream.h"
#include "tests/support/temp_dir.h"

namespace aya::io::test {

constexpr Duration kLimit = 20s;    // for what must happen; sanitizers are slow
constexpr Duration kMoment = 30ms;  // for what must not
inline const IpAddress kLocal4 = IpAddress::v4(0x7f000001);
inline const IpAddress kLocal6 = *IpAddress::parse("::1");

class Listener final : public ByteStream::Handler {
 public:
  void on_bytes(Bytes bytes) override {
    heard += as_text(bytes);
    if (then) then();
  }
  void on_closed(const IoError& why) override {
    ++closings;
    closed = why;
    if (at_end) at_end();
  }
  void on_drained() override {
    ++drained;
    if (when_drained) when_drained();
  }

  std::string heard;
  std::optional<IoError> closed;
  int closings = 0;
  int drained = 0;
  std::function<void()> then, at_end, when_drained;
};

struct StreamPair {
  std::unique_ptr<ByteStream> client, server;
};

inline StreamPair connect_tcp(Loop& loop) {
  StreamPair pair;
  const auto listener = *TcpListener::listen(
      loop, {kLocal4, 0}, [&](Connected got) { pair.server = std::move(got.stream); });
  TcpConnect dial(loop, {listener->local()}, {}, kLimit, [&](Result<Connected, IoError> got) {
    ASSERT_TRUE(got.has_value()) << got.error().detail;
    pair.client = std::move(got->stream);
  });
  EXPECT_TRUE(loop.run_until([&] { return pair.client && pair.server; }, kLimit));
  return pair;
}

inline StreamPair connect_local(Loop& loop) {
  const aya::test::TempDir folder;
  StreamPair pair;
  const auto listener = *UnixListener::listen(
      loop, folder.file("s"), 0600,
      [&](std::unique_ptr<ByteStream> got, std::optional<PeerCredentials>) {
        pair.server = std::move(got);
      });
  pair.client = *connect_unix(loop, folder.file("s"));
  EXPECT_TRUE(loop.run_until([&] { return pair.server != nullptr; }, kLimit));
  return pair;
}

// A server's context with a certificate for `name` of its own making.
inline std::unique_ptr<tls::TlsServerContext> self_signed_context(
    Loop& loop, const std::string& name, std::string relay_meta_pem = {}) {
  const auto made = *tls::make_self_signed({.names = {name}, .not_before = loop.wall_now() - 1h});
  return *tls::TlsServerContext::make(
      {made.certificate_pem, made.private_key_pem, std::move(relay_meta_pem)});
}

}  // namespace aya::io::test
