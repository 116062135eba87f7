// TcpConnect's race and TcpListener, on the loopback interface. What every stream has in common is
// in byte_stream_test.cpp.
#include "proto/io/tcp_stream.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "proto/io/sockaddr.h"
#include "tests/proto/io/stream_pair.h"

namespace aya::io {
namespace {

using namespace test;

// A place that swallows connection attempts: it listens, but its queue is full.
class Swallower {
 public:
  Swallower() {
    sockaddr_storage address{};
    socklen_t size = to_sockaddr({kLocal4, 0}, address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(sockets_[0], generic, size), 0);
    EXPECT_EQ(::listen(sockets_[0], 0), 0);
    EXPECT_EQ(::getsockname(sockets_[0], generic, &size), 0);
    at_ = *from_sockaddr(address);
    for (std::size_t i = 1; i < sockets_.size(); ++i) (void)::connect(sockets_[i], generic, size);
  }
  ~Swallower() {
    for (const int descriptor : sockets_) ::close(descriptor);
  }
  const Endpoint& at() const { return at_; }

 private:
  static int open() { return ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

  std::array<int, 4> sockets_{open(), open(), open(), open()};
  Endpoint at_;
};

class TcpConnectTest : public testing::Test {
 protected:
  std::unique_ptr<TcpListener> listen(const IpAddress& at) {
    auto made = TcpListener::listen(
        loop_, {at, 0}, [this](Connected got) { accepted_.push_back(std::move(got)); });
    return made ? *std::move(made) : nullptr;
  }
  Endpoint nobody_there() {
    return listen(kLocal4)->local();  // gone again at once
  }
  std::unique_ptr<TcpConnect> connect(std::vector<Endpoint> to, Duration timeout = kLimit) {
    result_.reset();
    begun_ = loop_.now();
    return std::make_unique<TcpConnect>(
        loop_, std::move(to), SocketOptions{}, timeout, [this](Result<Connected, IoError> got) {
          took_ = loop_.now() - begun_;
          result_.emplace(std::move(got));
        });
  }
  bool done() {
    return loop_.run_until([&] { return result_.has_value(); }, kLimit);
  }

  Loop loop_;
  std::vector<Connected> accepted_;
  std::optional<Result<Connected, IoError>> result_;
  TimePoint begun_{};
  Duration took_{};
};

TEST_F(TcpConnectTest, TellsBothEndsTheAddresses) {
  for (const IpAddress& family : {kLocal4, kLocal6}) {
    const auto listener = listen(family);
    if (!listener) GTEST_SKIP() << "no IPv6 here";
    EXPECT_NE(listener->local().port, 0);
    const auto dial = connect({listener->local()});
    ASSERT_TRUE(done());
    ASSERT_TRUE(result_->has_value()) << result_->error().detail;
    ASSERT_TRUE(loop_.run_until([&] { return !accepted_.empty(); }, kLimit));
    EXPECT_EQ((*result_)->remote, listener->local());
    EXPECT_EQ((*result_)->local, accepted_[0].remote);
    EXPECT_EQ((*result_)->remote, accepted_[0].local);
    accepted_.clear();
  }
}

TEST_F(TcpConnectTest, SaysWhereNobodyListens) {
  const Endpoint nobody = nobody_there();
  const auto dial = connect({nobody});
  EXPECT_FALSE(result_.has_value()) << "not from inside the constructor";
  ASSERT_TRUE(done());
  ASSERT_FALSE(result_->has_value());
  EXPECT_EQ(result_->error().kind, IoError::Kind::Refused);
  EXPECT_NE(result_->error().detail.find(nobody.to_text()), std::string::npos);
}

TEST_F(TcpConnectTest, NeedsACandidate) {
  const auto dial = connect({});
  ASSERT_TRUE(done());
  ASSERT_FALSE(result_->has_value());
  EXPECT_EQ(result_->error().kind, IoError::Kind::NotFound);
}

TEST_F(TcpConnectTest, TriesTheNextAtOnceWhenOneFails) {
  const auto listener = listen(kLocal4);
  const auto dial = connect({nobody_there(), nobody_there(), listener->local()});
  ASSERT_TRUE(done());
  ASSERT_TRUE(result_->has_value());
  EXPECT_EQ((*result_)->remote, listener->local());
  EXPECT_LT(took_, 200ms);
}

TEST_F(TcpConnectTest, TriesTheNextAfterAWhileWhenOneIsSilent) {
  const auto listener = listen(kLocal4);
  const Swallower silent;
  const auto dial = connect({silent.at(), listener->local()});
  ASSERT_TRUE(done());
  ASSERT_TRUE(result_->has_value());
  EXPECT_EQ((*result_)->remote, listener->local());
  EXPECT_GE(took_, 200ms);
}

TEST_F(TcpConnectTest, TakesTheOtherFamilySecond) {
  const auto v4 = listen(kLocal4), v6 = listen(kLocal6);
  if (!v6) GTEST_SKIP() << "no IPv6 here";
  const Swallower silent;
  const auto dial = connect({silent.at(), v4->local(), v6->local()});
  ASSERT_TRUE(done());
  ASSERT_TRUE(result_->has_value());
  EXPECT_EQ((*result_)->remote, v6->local());
}

TEST_F(TcpConnectTest, TimesOut) {
  const Swallower silent;
  const auto dial = connect({silent.at()}, 50ms);
  ASSERT_TRUE(done());
  ASSERT_FALSE(result_->has_value());
  EXPECT_EQ(result_->error().kind, IoError::Kind::TimedOut);
  EXPECT_GE(took_, 50ms);
}

TEST_F(TcpConnectTest, ReportsTheFirstFailureWhenTheRestIsSilent) {
  const Swallower silent;
  const auto dial = connect({nobody_there(), silent.at()}, 50ms);
  ASSERT_TRUE(done());
  ASSERT_FALSE(result_->has_value());
  EXPECT_EQ(result_->error().kind, IoError::Kind::Refused);
}

TEST_F(TcpConnectTest, IsSilentOnceDestroyed) {
  const auto listener = listen(kLocal4);
  const Swallower silent;
  auto before_it_begins = connect({listener->local()});
  before_it_begins.reset();
  auto in_the_middle = connect({silent.at(), listener->local()});
  EXPECT_FALSE(loop_.run_until([&] { return result_.has_value(); }, kMoment));
  in_the_middle.reset();
  EXPECT_FALSE(loop_.run_until([&] { return result_.has_value(); }, 300ms));
}

TEST_F(TcpConnectTest, MayBeDestroyedByItsOwnCall) {
  const auto listener = listen(kLocal4);
  const Swallower silent;
  for (const bool works : {true, false}) {
    std::unique_ptr<TcpConnect> dial;
    std::vector<Endpoint> to = {silent.at(), works ? listener->local() : nobody_there()};
    dial = std::make_unique<TcpConnect>(
        loop_, std::move(to), SocketOptions{}, 400ms,
        [&](Result<Connected, IoError>) { dial.reset(); });
    ASSERT_TRUE(loop_.run_until([&] { return dial == nullptr; }, kLimit));
  }
}

TEST_F(TcpConnectTest, MarksNothingOnTheWayToItself) {
  // The loopback device is never inside the tunnel, and a device chosen for the default route
  // would not lead there.
  const auto listener = listen(kLocal4);
  std::optional<bool> worked;
  const TcpConnect dial(
      loop_, {listener->local()}, {.mark = 7, .device = "no-such-device"}, kLimit,
      [&](Result<Connected, IoError> got) { worked = got.has_value(); });
  ASSERT_TRUE(loop_.run_until([&] { return worked.has_value(); }, kLimit));
  EXPECT_TRUE(*worked);
}

TEST_F(TcpConnectTest, ListenersDoNotShareAPort) {
  const auto first = listen(kLocal4);
  const auto second = TcpListener::listen(loop_, first->local(), [](Connected) {});
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().kind, IoError::Kind::AddressInUse);
}

TEST_F(TcpConnectTest, AListenerMayBeDestroyedByItsOwnCall) {
  std::unique_ptr<TcpListener> listener;
  const std::string kept_alive(100, 'x');
  listener = *TcpListener::listen(loop_, {kLocal4, 0}, [&, kept_alive](Connected) {
    listener.reset();
    EXPECT_EQ(kept_alive.size(), 100u);
  });
  const Endpoint at = listener->local();
  const auto first = connect({at});
  ASSERT_TRUE(loop_.run_until([&] { return listener == nullptr; }, kLimit));
  const auto second = connect({at});
  ASSERT_TRUE(done());
  EXPECT_FALSE(result_->has_value());
}

}  // namespace
}  // namespace aya::io
