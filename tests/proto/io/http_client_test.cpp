// HttpClient against servers that say whatever a test wants them to.
#include "proto/io/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "proto/io/unix_stream.h"
#include "tests/proto/io/stream_pair.h"

namespace aya::io {
namespace {

using namespace test;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

class HttpClientTest : public testing::Test {
 protected:
  // One connection: as soon as a request's head is there the answer is written, and then the
  // connection is closed if `close` says so.
  struct Server {
    std::string answer;
    bool close = true;
    bool tls = false;
  };

  void serve(Server server) {
    server_ = std::move(server);
    at_server_.then = [this] {
      if (answered_ || at_server_.heard.find("\r\n\r\n") == std::string::npos) return;
      answered_ = true;
      accepted_->write(as_bytes(server_.answer));
      if (server_.close) accepted_->close();
    };
    listener_ = *TcpListener::listen(
        loop_, {kLocal4, 0}, [this](Connected got) { accept(std::move(got.stream)); });
    const std::string scheme = server_.tls ? "https" : "http";
    fetch_.url = scheme + "://" + listener_->local().to_text() + "/some/where?x=1";
  }
  void accept(std::unique_ptr<ByteStream> stream) {
    if (server_.tls) {
      stream = std::make_unique<TlsStream>(
          loop_, std::move(stream), tls::TlsSession::server(*identity_));
    }
    accepted_ = std::move(stream);
    accepted_->start(at_server_);
  }

  std::unique_ptr<HttpClient> begin() {
    return std::make_unique<HttpClient>(loop_, fetch_, [this](Result<http::Response, IoError> got) {
      result_.emplace(std::move(got));
    });
  }
  bool done() {
    return loop_.run_until([&] { return result_.has_value(); }, kLimit);
  }
  void expect_answer(int status, std::string_view body) {
    const auto client = begin();
    EXPECT_FALSE(result_.has_value()) << "not from inside the constructor";
    ASSERT_TRUE(done());
    ASSERT_TRUE(result_->has_value()) << result_->error().detail;
    EXPECT_EQ((*result_)->status, status);
    EXPECT_EQ(as_text((*result_)->body), body);
  }
  void expect_error(IoError::Kind kind) {
    const auto client = begin();
    EXPECT_FALSE(result_.has_value()) << "not from inside the constructor";
    ASSERT_TRUE(done());
    ASSERT_FALSE(result_->has_value());
    EXPECT_EQ(result_->error().kind, kind) << result_->error().detail;
    EXPECT_THAT(result_->error().detail, HasSubstr(fetch_.unix_socket + fetch_.url));
  }

  Loop loop_;
  std::unique_ptr<tls::TlsServerContext> identity_ = self_signed_context(loop_, "127.0.0.1");
  tls::TlsClientContext trust_{tls::TlsTrust::pinned(identity_->fingerprint())};
  Server server_;
  std::unique_ptr<TcpListener> listener_;
  std::unique_ptr<ByteStream> accepted_;
  Listener at_server_;
  bool answered_ = false;
  HttpFetch fetch_;
  std::optional<Result<http::Response, IoError>> result_;
};

TEST_F(HttpClientTest, AsksAndAnswers) {
  serve({.answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello", .close = false});
  expect_answer(200, "hello");
  EXPECT_EQ((*result_)->headers.get("x-a"), "b");
  EXPECT_THAT(at_server_.heard, StartsWith("GET /some/where?x=1 HTTP/1.1\r\n"));
  EXPECT_THAT(at_server_.heard, HasSubstr("\r\nHost: " + listener_->local().to_text() + "\r\n"));
  EXPECT_THAT(at_server_.heard, HasSubstr("\r\nConnection: close\r\n"));
}

TEST_F(HttpClientTest, SendsABody) {
  serve({.answer = "HTTP/1.1 204 No Content\r\n\r\n"});
  fetch_.method = "POST";
  fetch_.headers.set("Content-Type", "text/plain");
  append(fetch_.body, as_bytes("body"));
  expect_answer(204, "");
  EXPECT_THAT(at_server_.heard, StartsWith("POST "));
  EXPECT_THAT(at_server_.heard, HasSubstr("\r\nContent-Type: text/plain\r\n"));
  EXPECT_THAT(at_server_.heard, HasSubstr("\r\nContent-Length: 4\r\n"));
  EXPECT_THAT(at_server_.heard, EndsWith("\r\n\r\nbody"));
}

struct AnswerCase {
  const char* name;
  const char* method;
  const char* bytes;
  int status;
  const char* body;
};

class HttpClientAnswers : public HttpClientTest, public testing::WithParamInterface<AnswerCase> {};

TEST_P(HttpClientAnswers, AreUnderstood) {
  serve({.answer = GetParam().bytes});
  fetch_.method = GetParam().method;
  expect_answer(GetParam().status, GetParam().body);
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(Wire, HttpClientAnswers, testing::Values(
    AnswerCase{"InChunks", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
               "2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n", 200, "abcde"},
    AnswerCase{"ToTheEnd", "GET", "HTTP/1.0 200 OK\r\n\r\nall of it", 200, "all of it"},
    AnswerCase{"Interim", "GET", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\n"
               "Content-Length: 2\r\n\r\nno", 404, "no"},
    AnswerCase{"Redirect", "GET", "HTTP/1.1 302 Found\r\nLocation: /else\r\nContent-Length: 0\r\n\r\n",
               302, ""},
    AnswerCase{"Head", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", 200, ""}),
    [](const auto& row) { return row.param.name; });
// clang-format on

TEST_F(HttpClientTest, SpeaksTlsToAPinnedServer) {
  serve({.answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", .tls = true});
  fetch_.tls = &trust_;
  expect_answer(200, "ok");
}

TEST_F(HttpClientTest, DoesNotSpeakTlsToAnother) {
  serve({.answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", .tls = true});
  tls::TlsClientContext other(tls::TlsTrust::pinned({}));
  fetch_.tls = &other;
  const auto client = begin();
  ASSERT_TRUE(done());
  ASSERT_FALSE(result_->has_value());
  EXPECT_EQ(result_->error().kind, IoError::Kind::Tls);
  EXPECT_EQ(at_server_.heard, "");
}

TEST_F(HttpClientTest, NeedsTrustForHttps) {
  fetch_.url = "https://localhost/";
  expect_error(IoError::Kind::Tls);
}

TEST_F(HttpClientTest, RefusesOtherUrls) {
  for (const auto url : {"", "localhost", "ftp://localhost/", "http://"}) {
    fetch_.url = url;
    expect_error(IoError::Kind::Protocol);
    result_.reset();
  }
}

TEST_F(HttpClientTest, AsksOverAUnixSocket) {
  const aya::test::TempDir folder;
  serve({.answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nlocal"});
  const auto local = *UnixListener::listen(
      loop_, folder.file("s"), 0600,
      [this](std::unique_ptr<ByteStream> got, std::optional<PeerCredentials>) {
        accept(std::move(got));
      });
  fetch_.url = "http://local-ayatorid.sock/status";
  fetch_.unix_socket = folder.file("s");
  expect_answer(200, "local");
  EXPECT_THAT(at_server_.heard, HasSubstr("\r\nHost: local-ayatorid.sock\r\n"));
}

TEST_F(HttpClientTest, SaysWhichSocketIsNotThere) {
  const aya::test::TempDir folder;
  fetch_.url = "http://x/";
  fetch_.unix_socket = folder.file("none");
  const auto client = begin();
  ASSERT_TRUE(done());
  ASSERT_FALSE(result_->has_value());
  EXPECT_EQ(result_->error().kind, IoError::Kind::NotFound);
  EXPECT_THAT(result_->error().detail, HasSubstr(fetch_.unix_socket));
}

TEST_F(HttpClientTest, DoesNotTakeATruncatedAnswer) {
  serve({.answer = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"});
  expect_error(IoError::Kind::Ended);
}

TEST_F(HttpClientTest, DoesNotTakeWhatIsNotHttp) {
  serve({.answer = "220 mail.example ESMTP\r\n\r\n", .close = false});
  expect_error(IoError::Kind::Protocol);
}

TEST_F(HttpClientTest, DoesNotTakeMoreThanItsLimit) {
  fetch_.body_limit = 100;
  serve({.answer = "HTTP/1.1 200 OK\r\n\r\n" + std::string(101, 'x')});
  expect_error(IoError::Kind::Protocol);
}

TEST_F(HttpClientTest, DoesNotWaitForeverForTheRest) {
  serve({.answer = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", .close = false});
  fetch_.timeout = 100ms;
  expect_error(IoError::Kind::TimedOut);
  EXPECT_TRUE(loop_.run_until([&] { return at_server_.closed.has_value(); }, kLimit));
}

TEST_F(HttpClientTest, IsSilentAfterATimeoutWhileItWasStillDialling) {
  serve({.answer = "", .close = false});
  fetch_.timeout = 0ms;
  const auto client = begin();
  ASSERT_TRUE(done());
  EXPECT_EQ(result_->error().kind, IoError::Kind::TimedOut);
  loop_.run_until([] { return false; }, kMoment);
  EXPECT_EQ(at_server_.heard, "");
}

TEST_F(HttpClientTest, HandsAStreamOutAsItComesWithoutTimeLimit) {
  serve(
      {.answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n",
       .close = false});
  std::string heard;
  fetch_.timeout = 100ms;
  fetch_.body_limit = 10;  // of what is handed out at once
  fetch_.on_body = [&](const http::Response& head, Bytes piece) {
    EXPECT_EQ(head.status, 200);
    heard += as_text(piece);
  };
  const auto client = begin();
  ASSERT_TRUE(loop_.run_until([&] { return heard == "one"; }, kLimit));
  EXPECT_FALSE(loop_.run_until([&] { return result_.has_value(); }, 150ms));
  std::string expected = "one";
  for (int i = 0; i < 5; ++i) {
    expected += "+ more";
    accepted_->write(as_bytes("6\r\n+ more\r\n"));
    ASSERT_TRUE(loop_.run_until([&] { return heard == expected; }, kLimit));
  }
  accepted_->write(as_bytes("0\r\n\r\n"));
  ASSERT_TRUE(done());
  ASSERT_TRUE(result_->has_value());
  EXPECT_TRUE((*result_)->body.empty());
}

TEST_F(HttpClientTest, MayBeDestroyedByAPieceOfItsStream) {
  serve({.answer = "HTTP/1.1 200 OK\r\n\r\npiece"});
  std::unique_ptr<HttpClient> client;
  const std::string kept_alive(100, 'x');
  fetch_.on_body = [&, kept_alive](const http::Response&, Bytes piece) {
    client.reset();
    EXPECT_EQ(as_text(piece), "piece");
    EXPECT_EQ(kept_alive.size(), 100u);
  };
  client = begin();
  ASSERT_TRUE(loop_.run_until([&] { return client == nullptr; }, kLimit));
  loop_.run_until([] { return false; }, kMoment);
  EXPECT_FALSE(result_.has_value());
}

TEST_F(HttpClientTest, MayBeDestroyedByItsOwnCall) {
  serve({.answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"});
  for (const auto& url : {fetch_.url, std::string("not a url")}) {
    fetch_.url = url;
    std::unique_ptr<HttpClient> client;
    client = std::make_unique<HttpClient>(
        loop_, fetch_, [&](Result<http::Response, IoError>) { client.reset(); });
    ASSERT_TRUE(loop_.run_until([&] { return client == nullptr; }, kLimit));
  }
}

TEST_F(HttpClientTest, IsSilentOnceDestroyed) {
  serve({.answer = "", .close = false});
  begin().reset();
  auto client = begin();
  ASSERT_TRUE(loop_.run_until([&] { return !at_server_.heard.empty(); }, kLimit));
  client.reset();
  ASSERT_TRUE(loop_.run_until([&] { return at_server_.closed.has_value(); }, kLimit));
  EXPECT_FALSE(result_.has_value());
}

}  // namespace
}  // namespace aya::io
