// UnixListener: credentials, the socket file and its life. What every stream has in common is in
// byte_stream_test.cpp.
#include "proto/io/unix_stream.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "tests/proto/io/stream_pair.h"

namespace aya::io {
namespace {

using namespace test;

class UnixListenerTest : public testing::Test {
 protected:
  Result<std::unique_ptr<UnixListener>, IoError> listen(mode_t mode = 0600) {
    return UnixListener::listen(
        loop_, path_, mode,
        [this](std::unique_ptr<ByteStream> stream, std::optional<PeerCredentials> who) {
          accepted_.push_back(std::move(stream));
          who_ = who;
        });
  }
  IoError::Kind error_of_connecting() {
    const auto stream = connect_unix(loop_, path_);
    EXPECT_FALSE(stream.has_value());
    return stream ? IoError::Kind::Other : stream.error().kind;
  }
  // What a program leaves behind that was killed.
  void leave_dead_socket() const {
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.data(), path_.size());
    EXPECT_EQ(::bind(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ::close(descriptor);
  }

  aya::test::TempDir folder_;
  std::string path_ = folder_.file("daemon.sock");
  Loop loop_;
  std::vector<std::unique_ptr<ByteStream>> accepted_;
  std::optional<PeerCredentials> who_;
};

TEST_F(UnixListenerTest, KnowsWhoConnects) {
  const auto listener = *listen();
  const auto client = *connect_unix(loop_, path_);
  ASSERT_TRUE(loop_.run_until([&] { return accepted_.size() == 1; }, kLimit));
  ASSERT_TRUE(who_.has_value());
  EXPECT_EQ(who_->uid, ::getuid());
  EXPECT_EQ(who_->gid, ::getgid());
  EXPECT_EQ(who_->pid, ::getpid());
}

TEST_F(UnixListenerTest, GivesTheFileItsModeAndRemovesIt) {
  for (const mode_t mode : {0600u, 0666u}) {
    auto listener = *listen(mode);
    struct stat found {};
    ASSERT_EQ(::stat(path_.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777, mode);
    listener.reset();
    EXPECT_FALSE(std::filesystem::exists(path_));
  }
  EXPECT_EQ(error_of_connecting(), IoError::Kind::NotFound);
}

TEST_F(UnixListenerTest, ReplacesADeadSocket) {
  leave_dead_socket();
  EXPECT_EQ(error_of_connecting(), IoError::Kind::Refused);
  const auto listener = listen();
  ASSERT_TRUE(listener.has_value()) << listener.error().detail;
  EXPECT_TRUE(connect_unix(loop_, path_).has_value());
}

TEST_F(UnixListenerTest, LeavesALiveSocketAlone) {
  const auto first = *listen();
  const auto second = listen();
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().kind, IoError::Kind::AddressInUse);
  EXPECT_TRUE(connect_unix(loop_, path_).has_value());
}

TEST_F(UnixListenerTest, LeavesAFileThatIsNoSocketAlone) {
  std::ofstream(path_) << "precious";
  const auto listener = listen();
  ASSERT_FALSE(listener.has_value());
  EXPECT_EQ(listener.error().kind, IoError::Kind::AddressInUse);
  EXPECT_EQ(std::filesystem::file_size(path_), 8u);
}

TEST_F(UnixListenerTest, RefusesAPathThatTheSystemWouldCutOff) {
  path_ = folder_.file(std::string(120, 'x'));
  EXPECT_FALSE(listen().has_value());
  EXPECT_EQ(error_of_connecting(), IoError::Kind::Other);
}

TEST_F(UnixListenerTest, SaysThatTheFolderIsMissing) {
  path_ = folder_.file("missing/daemon.sock");
  EXPECT_FALSE(listen().has_value());
  EXPECT_EQ(error_of_connecting(), IoError::Kind::NotFound);
}

TEST_F(UnixListenerTest, MayBeDestroyedByItsOwnCall) {
  std::unique_ptr<UnixListener> listener;
  const std::string kept_alive(100, 'x');
  listener = *UnixListener::listen(
      loop_, path_, 0600,
      [&, kept_alive](std::unique_ptr<ByteStream>, std::optional<PeerCredentials>) {
        listener.reset();
        EXPECT_EQ(kept_alive.size(), 100u);
      });
  const auto client = *connect_unix(loop_, path_);
  ASSERT_TRUE(loop_.run_until([&] { return listener == nullptr; }, kLimit));
  Listener at_client;
  client->start(at_client);
  EXPECT_TRUE(loop_.run_until([&] { return at_client.closed.has_value(); }, kLimit));
}

}  // namespace
}  // namespace aya::io
