// Daemons that misbehave: the client says so and ends.
#include "cli/local_client.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <thread>

#include "tests/cli/fake_console.h"
#include "tests/support/temp_dir.h"

namespace aya::test {
namespace {

using Kind = cli::ClientError::Kind;

// Takes one connection, sends these bytes in two parts and, if told so, hangs up.
class OneAnswer {
 public:
  explicit OneAnswer(std::string bytes, bool hang_up = true) : path_(folder_.file("s")) {
    listener_ = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.data(), path_.size());
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_, 1), 0);
    thread_ = std::thread([this, bytes = std::move(bytes), hang_up] {
      client_ = ::accept(listener_, nullptr, nullptr);
      char request[1024];
      (void)!::read(client_, request, sizeof request);
      const std::size_t half = bytes.size() / 2;
      (void)!::write(client_, bytes.data(), half);
      (void)!::write(client_, bytes.data() + half, bytes.size() - half);
      if (hang_up) ::shutdown(client_, SHUT_RDWR);
    });
  }
  ~OneAnswer() {
    thread_.join();
    ::close(client_);
    ::close(listener_);
  }
  const std::string& path() const { return path_; }

 private:
  TempDir folder_;
  std::string path_;
  int listener_ = -1, client_ = -1;
  std::thread thread_;
};

cli::ClientError error_after(std::string bytes, bool hang_up = true) {
  OneAnswer daemon(std::move(bytes), hang_up);
  FakeConsole console;
  cli::LocalClient client(console, daemon.path());
  const auto answer = client.call("GET", "status", "", 100ms);
  return answer ? cli::ClientError{Kind::Broken, "answered", 200} : answer.error();
}

TEST(LocalClient, ReadsAnAnswer) {
  OneAnswer daemon("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
  FakeConsole console;
  cli::LocalClient client(console, daemon.path());
  EXPECT_EQ(client.get("status").value_or(""), "hello");
}

TEST(LocalClient, TellsRefusalsApart) {
  const auto denied = error_after("HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno\n");
  EXPECT_EQ(denied.kind, Kind::Denied);
  EXPECT_EQ(denied.text, "no");
  const auto refused = error_after("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(refused.kind, Kind::Refused);
  EXPECT_EQ(refused.status, 400);
}

TEST(LocalClient, SurvivesWhatIsNoAnswer) {
  EXPECT_EQ(error_after("").kind, Kind::Broken);
  EXPECT_EQ(error_after("SSH-2.0-x\r\n\r\n").kind, Kind::Broken);
  EXPECT_EQ(error_after("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf").kind, Kind::Broken);
  EXPECT_EQ(error_after("HTTP/1.1 200 OK\r\n", false).kind, Kind::TimedOut);
}

TEST(LocalClient, StreamsLinesHoweverTheyAreCut) {
  OneAnswer daemon(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "4\r\n{}\n{\r\n3\r\n1}\n\r\n");
  FakeConsole console;
  cli::LocalClient client(console, daemon.path());
  auto bus = client.watch(2);
  ASSERT_TRUE(bus);
  const TimePoint soon = console.now() + 1s;
  EXPECT_EQ((*bus)->next(console, soon).value_or(""), "{}");
  EXPECT_EQ((*bus)->next(console, soon).value_or(""), "{1}");
  EXPECT_FALSE((*bus)->next(console, soon));
}

TEST(LocalClient, KnowsWhenNobodyListens) {
  FakeConsole console;
  cli::LocalClient missing(console, "/nonexistent/s");
  EXPECT_EQ(missing.get("status").error().kind, Kind::NoDaemon);
  cli::LocalClient endless(console, std::string(300, 'x'));
  EXPECT_EQ(endless.get("status").error().kind, Kind::NoDaemon);
}

}  // namespace
}  // namespace aya::test
