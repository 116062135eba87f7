// The whole server in this process, over loopback.
#include "coord-server/app/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coord-server/app/files.h"
#include "proto/io/http_client.h"
#include "proto/io/tcp_stream.h"
#include "tests/support/seeded_rng.h"
#include "tests/support/temp_dir.h"

namespace aya::coord {
namespace {

using testing::HasSubstr;

class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    InitWish wish;
    wish.places = Places::in(dir.file("home"));
    port = free_port();
    wish.server_url = "https://127.0.0.1:" + std::to_string(port);
    wish.listen = "127.0.0.1:" + std::to_string(port);
    wish.stun_listen = "off";
    auto made = create_installation(wish, loop.wall_now(), rng);
    EXPECT_TRUE(made);
    installation = *made;
  }

  std::uint16_t free_port() {
    auto listener = io::TcpListener::listen(loop, *Endpoint::parse("127.0.0.1:0"), [](auto) {});
    EXPECT_TRUE(listener);
    return (*listener)->local().port;
  }
  std::unique_ptr<Server> started() {
    auto server = Server::start(loop, installation, log);
    EXPECT_TRUE(server) << server.error().text;
    return server ? std::move(*server) : nullptr;
  }
  http::Response get(const std::string& url, tls::TlsClientContext* trust = nullptr) {
    io::HttpFetch fetch;
    fetch.url = url;
    fetch.tls = trust;
    return done(std::move(fetch));
  }
  http::Response done(io::HttpFetch fetch) {
    std::optional<Result<http::Response, io::IoError>> answer;
    io::HttpClient client(
        loop, std::move(fetch), [&](auto got) { answer.emplace(std::move(got)); });
    loop.run_until([&] { return answer.has_value(); }, 10s);
    if (!answer) return http::Response::text(0, "no answer");
    if (!*answer) return http::Response::text(0, answer->error().detail);
    return std::move(**answer);
  }
  std::string at(const std::string& scheme, const std::string& path) const {
    return scheme + "://127.0.0.1:" + std::to_string(port) + path;
  }

  test::TempDir dir;
  SystemRng rng;
  Logger log{LogLevel::Error};
  io::Loop loop;
  std::uint16_t port = 0;
  Installation installation;
};

TEST_F(ServerTest, ServesBothWithAndWithoutTlsOnOnePort) {
  const auto server = started();
  const auto certificate = read_file(installation.tls_files().certificate);
  ASSERT_TRUE(certificate);
  tls::TlsClientContext pinned(tls::TlsTrust::pinned(*tls::pem_fingerprint(*certificate)));
  const http::Response safe = get(at("https", "/key?v=116"), &pinned);
  EXPECT_EQ(safe.status, 200) << as_text(safe.body);
  const http::Response plain = get(at("http", "/key?v=116"));
  EXPECT_EQ(plain.status, 200) << as_text(plain.body);
  EXPECT_EQ(safe.body, plain.body);
}

TEST_F(ServerTest, HasACertificateThatRootStoresAccept) {
  const auto server = started();
  const auto certificate = read_file(installation.tls_files().certificate);
  tls::TlsClientContext roots(tls::TlsTrust::extra_roots(*certificate));
  EXPECT_EQ(get(at("https", "/healthz"), &roots).status, 200);
}

TEST_F(ServerTest, AnswersEveryPublicPath) {
  const auto server = started();
  struct Row {
    const char* path;
    int status;
  };
  for (const auto& [path, status] : std::initializer_list<Row>{
           {"/key?v=116", 200},
           {"/key", 400},
           {"/generate_204", 204},
           {"/derp/probe", 200},
           {"/derp/latency-check", 200},
           {"/bootstrap-dns", 200},
           {"/healthz", 200},
           {"/readyz", 200},
           {"/derp", 426},
           {"/ts2021", 405},
           {"/nothing", 404},
           {"/api/v2/tailnet/-/devices", 401}}) {
    EXPECT_EQ(get(at("http", path)).status, status) << path;
  }
}

TEST_F(ServerTest, TrustsItsOwnUserOnTheSocketAndNobodyWithoutAToken) {
  const auto server = started();
  io::HttpFetch fetch;
  fetch.url = "http://coord/api/v2/tailnet/-/users";
  fetch.unix_socket = installation.places.socket;
  const http::Response users = done(std::move(fetch));
  EXPECT_EQ(users.status, 200);
  EXPECT_THAT(std::string(as_text(users.body)), HasSubstr("\"loginName\":\"owner\""));
}

TEST_F(ServerTest, SaysWhoHasThePortAndTheFolder) {
  auto server = started();
  auto again = Server::start(loop, installation, log);
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().text, HasSubstr("running in"));
  server.reset();
  server = started();
  EXPECT_EQ(get(at("http", "/healthz")).status, 200) << "the socket and the port were let go";
  InitWish other;
  other.places = Places::in(dir.file("other"));
  other.server_url = installation.config.server_url;
  other.listen = installation.config.listen.to_text();
  other.stun_listen = "off";
  auto second = create_installation(other, loop.wall_now(), rng);
  ASSERT_TRUE(second);
  auto refused = Server::start(loop, *second, log);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().text, HasSubstr("another program has that port"));
}

TEST_F(ServerTest, KeepsItsKeysOverARestart) {
  auto server = started();
  const Buffer before = get(at("http", "/key?v=116")).body;
  server.reset();
  server = started();
  EXPECT_EQ(get(at("http", "/key?v=116")).body, before);
}

}  // namespace
}  // namespace aya::coord
