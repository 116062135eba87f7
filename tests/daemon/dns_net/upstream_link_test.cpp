// Real sockets on the loopback: a server that answers what it is asked, by every way.
#include "daemon/dns_net/upstream_link.h"

#include <gtest/gtest.h>

#include "daemon/dns/message_stream.h"
#include "daemon/dns_net/question_link.h"
#include "proto/io/http_connection.h"
#include "tests/daemon/dns/dns_text.h"

namespace aya::dns_net {
namespace {

using Way = dns::Forwarder::Way;
using Ticket = dns::Forwarder::Ticket;

const IpAddress kHere = IpAddress::parse("127.0.0.1").value();
constexpr Duration kLimit = 20s;

// Answers by UDP, TCP and HTTP, with the question as the answer; counts connections.
class Server final : public io::UdpSocket::Handler, public io::HttpConnection::Owner {
 public:
  explicit Server(io::Loop& loop) : loop_(loop) {
    udp_ = io::UdpSocket::open(loop, pool_, {.address = kHere, .socket = {}}, *this).value();
    tcp_ = io::TcpListener::listen(loop, {kHere, 0}, [this](io::Connected connected) {
             ++tcp_connections;
             echoes_.push_back(std::make_unique<Echo>(std::move(connected.stream)));
           }).value();
    http_ = io::TcpListener::listen(loop, {kHere, 0}, [this](io::Connected connected) {
              ++http_connections;
              clients_.push_back(
                  std::make_unique<io::HttpConnection>(loop_, std::move(connected.stream), *this));
            }).value();
  }
  Endpoint udp() const { return {kHere, udp_->port()}; }
  Endpoint tcp() const { return tcp_->local(); }
  std::string url() const { return "http://" + http_->local().to_text() + "/dns-query"; }
  void close_clients() { clients_.clear(); }

  int tcp_connections = 0, http_connections = 0;
  std::vector<http::Request> requests;
  std::vector<Endpoint> askers;  // by UDP
  std::function<http::Response(const http::Request&)> on_http;
  bool hold = false;  // HTTP requests are left waiting

 private:
  class Echo final : public io::ByteStream::Handler {
   public:
    explicit Echo(std::unique_ptr<io::ByteStream> stream) : stream_(std::move(stream)) {
      stream_->start(*this);
    }

   private:
    void on_bytes(Bytes bytes) override { stream_->write(bytes); }
    void on_closed(const io::IoError&) override {}
    std::unique_ptr<io::ByteStream> stream_;
  };

  void on_datagrams(std::span<io::UdpReceived> batch) override {
    for (const auto& received : batch) {
      askers.push_back(received.from);
      const io::UdpSend answer{received.packet.bytes(), received.from, {}};
      udp_->send({&answer, 1});
    }
  }
  void on_request(io::HttpConnection& connection, http::Request request) override {
    requests.push_back(request);
    if (hold) return;
    http::Response answer = on_http ? on_http(request) : http::Response{};
    if (!on_http) {
      answer.headers.set("Content-Type", "application/dns-message");
      answer.body = request.body;
    }
    connection.respond(answer);
  }
  void on_closed(io::HttpConnection& connection) override {
    std::erase_if(clients_, [&](const auto& client) { return client.get() == &connection; });
  }

  io::Loop& loop_;
  PacketPool pool_;
  std::unique_ptr<io::UdpSocket> udp_;
  std::unique_ptr<io::TcpListener> tcp_, http_;
  std::vector<std::unique_ptr<Echo>> echoes_;
  std::vector<std::unique_ptr<io::HttpConnection>> clients_;
};

class UpstreamLinkTest : public testing::Test, public UpstreamLink::Owner {
 protected:
  void send(const dns::Upstream& to, Way way, std::uint64_t number) {
    link->send({to, way, test::dns_query(7, "a.example.", 1), Ticket{number, 0}});
  }
  bool run(std::size_t responses, std::size_t failures = 0) {
    return loop.run_until(
        [&] { return answered.size() == responses && failed.size() == failures; }, kLimit);
  }

  void on_upstream_response(const Endpoint& from, Bytes response) override {
    EXPECT_EQ(from, server->udp());
    EXPECT_EQ(Buffer(response.begin(), response.end()), test::dns_query(7, "a.example.", 1));
    answered.push_back(0);
  }
  void on_upstream_stream(const Ticket& ticket, Bytes response) override {
    EXPECT_EQ(Buffer(response.begin(), response.end()), test::dns_query(7, "a.example.", 1));
    answered.push_back(ticket.transaction);
  }
  void on_upstream_failure(const Ticket& ticket) override { failed.push_back(ticket.transaction); }

  io::Loop loop;
  PacketPool pool;
  Logger log{LogLevel::Error};
  tls::TlsClientContext roots{tls::TlsTrust::insecure()};
  std::unique_ptr<Server> server = std::make_unique<Server>(loop);
  std::unique_ptr<UpstreamLink> link =
      std::make_unique<UpstreamLink>(UpstreamLink::Parts{loop, pool, log, roots}, *this);
  std::vector<std::uint64_t> answered, failed;
};

TEST_F(UpstreamLinkTest, UdpLeavesFromManyPorts) {
  const unsigned count = 3 * UpstreamLink::kQueriesPerSocket;
  for (unsigned i = 0; i < count; ++i) send(server->udp(), Way::Udp, 0);
  ASSERT_TRUE(run(count));
  std::map<Endpoint, unsigned> by_port;
  for (const Endpoint& asker : server->askers) ++by_port[asker];
  EXPECT_EQ(by_port.size(), 3u);
}

TEST_F(UpstreamLinkTest, ATcpConnectionServesOneQuery) {
  send(server->tcp(), Way::Tcp, 1);
  send(server->tcp(), Way::Tcp, 2);
  ASSERT_TRUE(run(2));
  EXPECT_EQ(server->tcp_connections, 2);
}

TEST_F(UpstreamLinkTest, WhereNobodyListensTheQueryFails) {
  const Endpoint nobody = server->tcp();
  const std::string url = server->url();
  server.reset();
  send(nobody, Way::Tcp, 1);
  send({url, {}}, Way::Https, 2);
  send({"nonsense", {}}, Way::Https, 3);
  EXPECT_TRUE(run(0, 3));
}

TEST_F(UpstreamLinkTest, HttpConnectionsAreKeptAndUsedAgain) {
  const dns::Upstream doh(server->url(), {});
  for (std::uint64_t number = 1; number <= 5; ++number) {
    send(doh, Way::Https, number);
    ASSERT_TRUE(run(number));
  }
  EXPECT_EQ(server->http_connections, 1);
  ASSERT_EQ(server->requests.size(), 5u);
  EXPECT_EQ(server->requests[0].method, "POST");
  EXPECT_EQ(server->requests[0].target, "/dns-query");
  EXPECT_EQ(server->requests[0].headers.get("Content-Type"), "application/dns-message");
}

TEST_F(UpstreamLinkTest, QuestionsAtTheSameTimeHaveConnectionsOfTheirOwnUpToALimit) {
  const dns::Upstream doh(server->url(), {});
  for (std::uint64_t number = 1; number <= 30; ++number) send(doh, Way::Https, number);
  ASSERT_TRUE(run(30));
  EXPECT_GT(server->http_connections, 1);
  EXPECT_LE(server->http_connections, static_cast<int>(DohClientLink::kMaxConnections));
}

TEST_F(UpstreamLinkTest, AQuestionOutlivesTheConnectionThatWasClosedOnIt) {
  const dns::Upstream doh(server->url(), {});
  server->hold = true;
  send(doh, Way::Https, 1);
  ASSERT_TRUE(loop.run_until([&] { return server->requests.size() == 1; }, kLimit));
  server->hold = false;
  server->close_clients();
  ASSERT_TRUE(run(1));
  EXPECT_EQ(server->http_connections, 2);
  server->hold = true;
  send(doh, Way::Https, 2);
  ASSERT_TRUE(loop.run_until([&] { return server->requests.size() == 3; }, kLimit));
  server->close_clients();
  ASSERT_TRUE(loop.run_until([&] { return server->requests.size() == 4; }, kLimit));
  server->close_clients();
  EXPECT_TRUE(run(1, 1)) << "twice is enough";
}

TEST_F(UpstreamLinkTest, WhatIsNoDnsMessageIsAFailure) {
  const dns::Upstream doh(server->url(), {});
  server->on_http = [](const http::Request&) { return http::Response::text(200, "hello"); };
  send(doh, Way::Https, 1);
  ASSERT_TRUE(run(0, 1));
  server->on_http = [](const http::Request&) { return http::Response::text(503, "later"); };
  send(doh, Way::Https, 2);
  ASSERT_TRUE(run(0, 2));
}

TEST_F(UpstreamLinkTest, CanBeDestroyedWithQuestionsUnderWay) {
  server->hold = true;
  send(server->udp(), Way::Udp, 1);
  send(server->tcp(), Way::Tcp, 2);
  send({server->url(), {}}, Way::Https, 3);
  ASSERT_TRUE(loop.run_until([&] { return server->requests.size() == 1; }, kLimit));
  link.reset();
  loop.run_until([] { return false; }, 50ms);
}

TEST(QuestionLink, TurnsStrangersAway) {
  io::Loop loop;
  Logger log{LogLevel::Error};
  bool asked = false;
  QuestionLink link(loop, log, [&](Bytes, QuestionLink::Reply) { asked = true; });
  link.listen_on({kHere});
  ASSERT_EQ(link.listeners().size(), 1u);

  class Stranger final : public io::ByteStream::Handler {
   public:
    void on_bytes(Bytes) override { ADD_FAILURE() << "an answer"; }
    void on_closed(const io::IoError&) override { closed = true; }
    bool closed = false;
  } stranger;
  std::unique_ptr<io::ByteStream> stream;
  io::TcpConnect connect(loop, link.listeners(), {}, kLimit, [&](auto connected) {
    stream = std::move(connected->stream);
    Buffer message;
    dns::write_stream_message(test::dns_query(7, "a.example.", 1), message);
    stream->write(message);
    stream->start(stranger);
  });
  EXPECT_TRUE(loop.run_until([&] { return stranger.closed; }, kLimit));
  EXPECT_FALSE(asked);
  EXPECT_EQ(link.counters().strangers, 1u);
  link.listen_on({});
  EXPECT_TRUE(link.listeners().empty());
}

}  // namespace
}  // namespace aya::dns_net
