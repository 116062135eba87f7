// NameLookup and Dial.
#include "proto/io/dial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "proto/io/name_lookup.h"
#include "tests/proto/io/stream_pair.h"

namespace aya::io {
namespace {

using namespace test;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

class NameLookupTest : public testing::Test {
 protected:
  NameLookup::Answer look_up(const std::string& host) {
    std::optional<NameLookup::Answer> answer;
    const NameLookup lookup(
        loop_, host, [&](NameLookup::Answer got) { answer.emplace(std::move(got)); });
    EXPECT_FALSE(answer.has_value()) << "not from inside the constructor";
    EXPECT_TRUE(loop_.run_until([&] { return answer.has_value(); }, kLimit));
    return *std::move(answer);
  }

  Loop loop_;
};

TEST_F(NameLookupTest, AnswersAddressesThatAreWrittenOut) {
  EXPECT_THAT(*look_up("192.0.2.7"), ElementsAre(*IpAddress::parse("192.0.2.7")));
  EXPECT_THAT(*look_up("2001:db8::7"), ElementsAre(*IpAddress::parse("2001:db8::7")));
}

TEST_F(NameLookupTest, KnowsThisHost) { EXPECT_THAT(*look_up("localhost"), Contains(kLocal4)); }

TEST_F(NameLookupTest, SaysWhichNameItDidNotFind) {
  const std::string too_long(300, 'x');
  const auto answer = look_up(too_long);
  ASSERT_FALSE(answer.has_value());
  EXPECT_THAT(answer.error().detail, HasSubstr(too_long));
}

TEST_F(NameLookupTest, IsSilentOnceDestroyed) {
  const auto called = [](NameLookup::Answer) { FAIL() << "called after its destructor"; };
  for (const auto host : {"localhost", "192.0.2.7"}) {
    NameLookup at_once(loop_, host, called);
  }
  bool gone = false;  // the answer may be faster than the task
  auto running = std::make_unique<NameLookup>(
      loop_, "localhost", [&](NameLookup::Answer) { EXPECT_FALSE(gone); });
  loop_.post([&] {
    running.reset();
    gone = true;
  });
  loop_.run_until([] { return false; }, kMoment);
}

TEST_F(NameLookupTest, MayBeDestroyedByItsOwnCall) {
  for (const auto host : {"localhost", "192.0.2.7"}) {
    std::unique_ptr<NameLookup> lookup;
    lookup = std::make_unique<NameLookup>(loop_, host, [&](NameLookup::Answer) { lookup.reset(); });
    ASSERT_TRUE(loop_.run_until([&] { return lookup == nullptr; }, kLimit));
  }
}

TEST_F(NameLookupTest, MayStillRunWhenTheLoopEnds) {
  Loop brief;
  const auto called = [](NameLookup::Answer) { FAIL() << "called after its destructor"; };
  NameLookup(brief, "localhost", called);
}

// A server that greets everybody, in plain text or in TLS.
class DialTest : public testing::Test {
 protected:
  enum class Server { Plain, Tls, Silent };

  void serve(Server kind) {
    listener_ = *TcpListener::listen(loop_, {kLocal4, 0}, [this, kind](Connected got) {
      auto stream = std::move(got.stream);
      if (kind == Server::Tls) {
        stream = std::make_unique<TlsStream>(
            loop_, std::move(stream), tls::TlsSession::server(*identity_));
      }
      if (kind != Server::Silent) stream->write(as_bytes("hello"));
      stream->start(at_server_);
      accepted_.push_back(std::move(stream));
    });
    target_.host = "localhost";
    target_.port = listener_->local().port;
  }

  std::unique_ptr<Dial> dial() {
    result_.reset();
    return std::make_unique<Dial>(
        loop_, target_, [this](Result<Dialled, IoError> got) { result_.emplace(std::move(got)); });
  }
  bool done() {
    return loop_.run_until([&] { return result_.has_value(); }, kLimit);
  }
  void expect_greeting() {
    ASSERT_TRUE(done());
    ASSERT_TRUE(result_->has_value()) << result_->error().detail;
    EXPECT_EQ((*result_)->remote, listener_->local());
    loop_.run_until([] { return false; }, kMoment);  // what comes in the meantime is kept
    Listener at_client;
    (*result_)->stream->start(at_client);
    EXPECT_TRUE(loop_.run_until([&] { return at_client.heard == "hello"; }, kLimit));
  }
  void expect_error(IoError::Kind kind) {
    ASSERT_TRUE(done());
    ASSERT_FALSE(result_->has_value());
    EXPECT_EQ(result_->error().kind, kind) << result_->error().detail;
  }

  Loop loop_;
  std::unique_ptr<tls::TlsServerContext> identity_ = self_signed_context(loop_, "relay.test");
  tls::TlsClientContext trust_{tls::TlsTrust::pinned(identity_->fingerprint())};
  DialTarget target_;
  std::unique_ptr<TcpListener> listener_;
  Listener at_server_;
  std::vector<std::unique_ptr<ByteStream>> accepted_;
  std::optional<Result<Dialled, IoError>> result_;
};

TEST_F(DialTest, LooksTheNameUpAndConnects) {
  serve(Server::Plain);
  const auto dialling = dial();
  EXPECT_FALSE(result_.has_value()) << "not from inside the constructor";
  expect_greeting();
  EXPECT_FALSE((*result_)->tls.has_value());
}

TEST_F(DialTest, TakesAddressesThatItIsGiven) {
  serve(Server::Plain);
  target_.host = "name.invalid";
  target_.addresses = {kLocal4};
  const auto dialling = dial();
  expect_greeting();
}

TEST_F(DialTest, ShakesHandsByTheNameOfTheHost) {
  serve(Server::Tls);
  target_.host = "relay.test";
  target_.addresses = {kLocal4};
  target_.tls = &trust_;
  target_.offer_http11 = true;
  const auto dialling = dial();
  expect_greeting();
  ASSERT_TRUE((*result_)->tls.has_value());
  EXPECT_EQ((*result_)->tls->fingerprint, identity_->fingerprint());
}

TEST_F(DialTest, ShakesHandsByAnotherNameWhenTold) {
  serve(Server::Tls);
  target_.tls = &trust_;
  target_.tls_name = "relay.test";
  const auto dialling = dial();
  expect_greeting();
}

TEST_F(DialTest, SaysWhichServerHasTheWrongCertificate) {
  serve(Server::Tls);
  target_.tls = &trust_;
  const auto dialling = dial();
  expect_error(IoError::Kind::Tls);
  EXPECT_THAT(result_->error().detail, HasSubstr("localhost:"));
}

TEST_F(DialTest, SaysThatNobodyListens) {
  serve(Server::Plain);
  listener_.reset();
  const auto dialling = dial();
  expect_error(IoError::Kind::Refused);
}

TEST_F(DialTest, HasOneDeadlineForTheHandshakeToo) {
  serve(Server::Silent);
  target_.tls = &trust_;
  target_.timeout = 100ms;
  const TimePoint begun = loop_.now();
  const auto dialling = dial();
  expect_error(IoError::Kind::TimedOut);
  EXPECT_GE(loop_.now() - begun, 100ms);
  EXPECT_TRUE(loop_.run_until([&] { return at_server_.closed.has_value(); }, kLimit));
}

TEST_F(DialTest, IsSilentOnceDestroyed) {
  serve(Server::Silent);
  target_.tls = &trust_;
  dial().reset();
  const auto forgotten = [&] {
    auto dialling = dial();
    EXPECT_TRUE(loop_.run_until([&] { return !at_server_.heard.empty(); }, kLimit));
  };
  forgotten();
  EXPECT_TRUE(loop_.run_until([&] { return at_server_.closed.has_value(); }, kLimit));
  EXPECT_FALSE(result_.has_value());
}

TEST_F(DialTest, MayBeDestroyedByItsOwnCall) {
  serve(Server::Tls);
  target_.addresses = {kLocal4};
  tls::TlsClientContext other(tls::TlsTrust::pinned({}));
  target_.tls_name = "relay.test";
  for (auto* trust : {static_cast<tls::TlsClientContext*>(nullptr), &trust_, &other}) {
    target_.tls = trust;
    std::unique_ptr<Dial> dialling;
    dialling =
        std::make_unique<Dial>(loop_, target_, [&](Result<Dialled, IoError>) { dialling.reset(); });
    ASSERT_TRUE(loop_.run_until([&] { return dialling == nullptr; }, kLimit));
  }
}

}  // namespace
}  // namespace aya::io
