// HttpConnection over TCP on the loopback interface, against a client that sends raw text.
#include "proto/io/http_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "proto/http/upgrade.h"
#include "proto/io/tcp_stream.h"

namespace aya::io {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr Duration kLimit = 5s;
constexpr Duration kMoment = 30ms;  // for what must not happen

// The raw client: says what it is told to, and keeps what it hears.
class Client final : public ByteStream::Handler {
 public:
  void on_bytes(Bytes bytes) override { heard += as_text(bytes); }
  void on_closed(const IoError&) override { closed = true; }
  void say(std::string_view text) { stream->write(as_bytes(text)); }

  std::unique_ptr<ByteStream> stream;
  std::string heard;
  bool closed = false;
};

class HttpConnectionTest : public testing::Test, public HttpConnection::Owner {
 protected:
  void connect(http::Limits limits = {}) {
    listener_ = *TcpListener::listen(
        loop_, {IpAddress::v4(0x7f000001), 0}, [this, limits](Connected connected) {
          connection_ =
              std::make_unique<HttpConnection>(loop_, std::move(connected.stream), *this, limits);
        });
    TcpConnect dial(
        loop_, {listener_->local()}, {}, kLimit,
        [this](Result<Connected, IoError> got) { client_.stream = std::move(got->stream); });
    ASSERT_TRUE(run_until([&] { return client_.stream && connection_; }));
    client_.stream->start(client_);
  }

  void on_request(HttpConnection& connection, http::Request request) override {
    asked_.push_back(request.method + " " + request.target);
    if (answer_) answer_(connection, request);
  }
  void on_closed(HttpConnection&) override {
    ++ended_;
    if (let_go_) connection_.reset();
  }
  void on_drained(HttpConnection&) override { ++drained_; }

  bool run_until(const std::function<bool()>& done) { return loop_.run_until(done, kLimit); }
  bool hears(std::string_view end) {
    return run_until([&] { return client_.heard.ends_with(end); });
  }
  bool nothing_more_happens() {
    const auto before = client_.heard.size() + asked_.size();
    return !loop_.run_until(
        [&] { return client_.closed || client_.heard.size() + asked_.size() != before; }, kMoment);
  }

  // Answers each request with its own target.
  void echo_targets() {
    answer_ = [](HttpConnection& connection, const http::Request& request) {
      connection.respond(http::Response::text(200, request.target));
    };
  }

  Loop loop_;
  std::unique_ptr<TcpListener> listener_;
  Client client_;
  std::unique_ptr<HttpConnection> connection_;
  std::function<void(HttpConnection&, const http::Request&)> answer_;
  std::vector<std::string> asked_;
  int ended_ = 0;
  int drained_ = 0;
  bool let_go_ = true;
};

TEST_F(HttpConnectionTest, StaysOpenBetweenRequests) {
  connect();
  echo_targets();
  client_.say("GET /one HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(hears("/one"));
  client_.say("POST /two HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nxyz");
  ASSERT_TRUE(hears("/two"));
  EXPECT_THAT(asked_, ElementsAre("GET /one", "POST /two"));
  EXPECT_TRUE(nothing_more_happens());
  EXPECT_EQ(ended_, 0);
}

TEST_F(HttpConnectionTest, TakesARequestInSingleBytes) {
  connect();
  echo_targets();
  for (const char c :
       std::string_view("PUT /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok")) {
    client_.say({&c, 1});
    loop_.run_until([] { return false; }, 1ms);
  }
  ASSERT_TRUE(hears("/slow"));
  EXPECT_THAT(asked_, ElementsAre("PUT /slow"));
}

TEST_F(HttpConnectionTest, AnswersPipelinedRequestsInTheirOrder) {
  connect();
  echo_targets();
  client_.say(
      "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
      "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
      "GET /3 HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(hears("/3"));
  EXPECT_THAT(asked_, ElementsAre("GET /1", "GET /2", "GET /3"));
}

TEST_F(HttpConnectionTest, HoldsThePipelinedRequestBackUntilTheFirstIsAnswered) {
  connect();
  client_.say("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(run_until([&] { return asked_.size() == 1; }));
  EXPECT_TRUE(nothing_more_happens());
  connection_->respond(http::Response::text(200, "first"));
  EXPECT_EQ(asked_.size(), 1u) << "the next one comes from the loop, not from inside respond()";
  ASSERT_TRUE(run_until([&] { return asked_.size() == 2; }));
  connection_->respond(http::Response::text(200, "second"));
  ASSERT_TRUE(hears("second"));
  EXPECT_LT(client_.heard.find("first"), client_.heard.find("second"));
}

TEST_F(HttpConnectionTest, WaitsForTheRestOfAPipelinedRequest) {
  connect();
  echo_targets();
  client_.say("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HT");
  ASSERT_TRUE(hears("/1"));
  EXPECT_TRUE(nothing_more_happens());
  client_.say("TP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(hears("/2"));
}

TEST_F(HttpConnectionTest, ClosesWhenTheClientAsksForIt) {
  connect();
  echo_targets();
  client_.say("GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  ASSERT_TRUE(run_until([&] { return client_.closed; }));
  EXPECT_THAT(client_.heard, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(client_.heard, EndsWith("/last"));
  EXPECT_EQ(ended_, 1);
}

TEST_F(HttpConnectionTest, ClosesWhenTheAnswerSaysSo) {
  connect();
  answer_ = [](HttpConnection& connection, const http::Request&) {
    http::Response response = http::Response::text(503, "busy");
    response.keep_alive = false;
    connection.respond(response);
  };
  client_.say("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /never HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(run_until([&] { return client_.closed; }));
  EXPECT_THAT(client_.heard, EndsWith("busy"));
  EXPECT_THAT(asked_, ElementsAre("GET /"));
  EXPECT_EQ(ended_, 1);
}

TEST_F(HttpConnectionTest, RefusesWhatIsNotHttpAndCloses) {
  connect();
  client_.say("SSH-2.0-OpenSSH_9.2\r\n\r\n");
  ASSERT_TRUE(run_until([&] { return client_.closed; }));
  EXPECT_THAT(client_.heard, StartsWith("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_THAT(asked_, ElementsAre());
  EXPECT_EQ(ended_, 1);
}

TEST_F(HttpConnectionTest, RefusesATooLargeBodyByItsAnnouncement) {
  connect({.body = 10});
  client_.say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n");
  ASSERT_TRUE(run_until([&] { return client_.closed; }));
  EXPECT_THAT(client_.heard, StartsWith("HTTP/1.1 413 "));
}

TEST_F(HttpConnectionTest, TellsAClientThatAsksToSendItsBody) {
  connect();
  echo_targets();
  client_.say("POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  ASSERT_TRUE(hears("HTTP/1.1 100 Continue\r\n\r\n"));
  client_.say("h");
  EXPECT_TRUE(nothing_more_happens());
  client_.say("i");
  ASSERT_TRUE(hears("/p"));
}

TEST_F(HttpConnectionTest, StreamsABodyInChunksAndGoesOn) {
  connect();
  client_.say("GET /watch HTTP/1.1\r\nHost: a\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(run_until([&] { return asked_.size() == 1; }));
  connection_->start_stream(200, {{"Content-Type", "application/json"}});
  ASSERT_TRUE(hears("\r\n\r\n"));
  connection_->write(as_bytes("{}\n"));
  ASSERT_TRUE(hears("3\r\n{}\n\r\n"));
  EXPECT_EQ(asked_.size(), 1u);
  connection_->finish();
  ASSERT_TRUE(run_until([&] { return asked_.size() == 2; }));
  ASSERT_TRUE(hears("0\r\n\r\n"));
}

TEST_F(HttpConnectionTest, LeavesTheBodyOutForHead) {
  connect();
  client_.say("HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(run_until([&] { return asked_.size() == 1; }));
  connection_->respond(http::Response::text(200, "12345"));
  ASSERT_TRUE(hears("\r\n\r\n"));
  EXPECT_THAT(client_.heard, HasSubstr("Content-Length: 5\r\n"));
  client_.say("HEAD /b HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(run_until([&] { return asked_.size() == 2; }));
  client_.heard.clear();
  connection_->start_stream(200, {});
  connection_->write(as_bytes("unseen"));
  connection_->finish();
  client_.say("GET /c HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(run_until([&] { return asked_.size() == 3; }));
  connection_->respond(http::Response::text(200, "c"));
  ASSERT_TRUE(hears("\r\n\r\nc"));
  EXPECT_THAT(client_.heard, Not(HasSubstr("unseen")));
  EXPECT_THAT(client_.heard, Not(HasSubstr("0\r\n\r\n")));
}

// The other end of an upgrade: repeats what it hears.
class Echo final : public ByteStream::Handler {
 public:
  explicit Echo(HttpConnection::Upgraded from) : stream(std::move(from.stream)) {
    stream->write(from.leftover);
    stream->start(*this);
  }
  void on_bytes(Bytes bytes) override { stream->write(bytes); }
  void on_closed(const IoError&) override {}
  std::unique_ptr<ByteStream> stream;
};

TEST_F(HttpConnectionTest, HandsTheStreamOverWithWhatArrivedBehindTheRequest) {
  connect();
  std::unique_ptr<Echo> echo;
  answer_ = [&](HttpConnection& connection, const http::Request& request) {
    EXPECT_EQ(http::requested_upgrade(request), "DERP");
    echo = std::make_unique<Echo>(connection.upgrade());
    connection_.reset();
  };
  client_.say("GET /derp HTTP/1.1\r\nHost: a\r\nUpgrade: DERP\r\nConnection: upgrade\r\n\r\nearly");
  ASSERT_TRUE(hears("early"));
  client_.say(" and late");
  ASSERT_TRUE(hears(" and late"));
  EXPECT_EQ(client_.heard, "early and late");
  EXPECT_EQ(ended_, 0);
}

TEST_F(HttpConnectionTest, HandsTheStreamOverAlsoLater) {
  connect();
  client_.say("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\none ");
  ASSERT_TRUE(run_until([&] { return asked_.size() == 1; }));
  client_.say("two ");
  EXPECT_TRUE(nothing_more_happens());
  Echo echo(connection_->upgrade());
  client_.say("three");
  ASSERT_TRUE(hears("three"));
  EXPECT_EQ(client_.heard, "one two three");
}

TEST_F(HttpConnectionTest, MayBeDestroyedInsideARequestAnsweredOrNot) {
  for (const bool answered : {false, true}) {
    client_ = Client();
    connect();
    answer_ = [&](HttpConnection& connection, const http::Request&) {
      if (answered) connection.respond(http::Response::text(200, "bye"));
      connection_.reset();
    };
    client_.say("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(run_until([&] { return client_.closed; }));
    EXPECT_EQ(client_.heard.ends_with("bye"), answered);
  }
  EXPECT_THAT(asked_, ElementsAre("GET /1", "GET /1"));
  EXPECT_EQ(ended_, 0);
}

TEST_F(HttpConnectionTest, TellsItsOwnerThatTheClientLeftInTheMiddleOfAnAnswer) {
  connect();
  let_go_ = false;
  client_.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(run_until([&] { return asked_.size() == 1; }));
  client_.stream.reset();
  ASSERT_TRUE(run_until([&] { return ended_ == 1; }));
  connection_->respond(http::Response::text(200, "too late"));  // does nothing
  connection_.reset();
  EXPECT_FALSE(loop_.run_until([&] { return ended_ > 1; }, kMoment));
}

TEST_F(HttpConnectionTest, CutsOffAClientThatRunsFarAhead) {
  connect({.head = 1000, .body = 1000});
  client_.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(run_until([&] { return asked_.size() == 1; }));
  client_.say(std::string(1500, 'x'));
  EXPECT_TRUE(nothing_more_happens());
  client_.say(std::string(1500, 'x'));
  ASSERT_TRUE(run_until([&] { return ended_ == 1; }));
}

TEST_F(HttpConnectionTest, SaysWhenASlowClientHasCaughtUp) {
  connect();
  client_.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(run_until([&] { return asked_.size() == 1; }));
  client_.stream->pause();
  connection_->start_stream(200, {});
  const std::string piece(ByteStream::kHighWater, 'x');
  for (int i = 0; i < 64; ++i) connection_->write(as_bytes(piece));
  EXPECT_GT(connection_->queued(), ByteStream::kHighWater);
  EXPECT_FALSE(loop_.run_until([&] { return drained_ > 0; }, kMoment));
  client_.stream->start(client_);
  ASSERT_TRUE(run_until([&] { return drained_ == 1; }));
  EXPECT_EQ(connection_->queued(), 0u);
}

}  // namespace
}  // namespace aya::io
