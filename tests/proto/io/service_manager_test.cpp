// What a service manager hears, by its own socket.
#include "proto/io/service_manager.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "tests/support/temp_dir.h"

namespace aya::io {
namespace {

class ServiceManagerTest : public testing::Test {
 protected:
  void SetUp() override {
    socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = dir_.file("notify");
    std::memcpy(address.sun_path, path.data(), path.size());
    ASSERT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  void TearDown() override {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(name);
    ::close(socket_);
  }

  // One message; empty: there is none.
  std::string heard() {
    char text[256];
    const ssize_t size = ::recv(socket_, text, sizeof text, 0);
    return size < 0 ? "" : std::string(text, static_cast<std::size_t>(size));
  }

  aya::test::TempDir dir_;
  int socket_ = -1;
  Loop loop_;
};

TEST_F(ServiceManagerTest, HearsWhenItIsReadyAndWhenItStops) {
  {
    ServiceManager manager(loop_);
    EXPECT_EQ(heard(), "");
    manager.ready();
    EXPECT_EQ(heard(), "READY=1");
    EXPECT_EQ(heard(), "") << "nobody asked for signs of life";
  }
  EXPECT_EQ(heard(), "STOPPING=1");
}

TEST_F(ServiceManagerTest, HearsThatTheLoopTurnsTwiceAsOftenAsItAsks) {
  ::setenv("WATCHDOG_USEC", "40000", 1);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  ServiceManager manager(loop_);
  manager.ready();
  EXPECT_EQ(heard(), "READY=1");
  int signs = 0;
  loop_.run_until(
      [&] {
        if (heard() == "WATCHDOG=1") ++signs;
        return signs >= 3;
      },
      std::chrono::seconds(5));
  EXPECT_GE(signs, 3);
}

TEST_F(ServiceManagerTest, AnotherProcessIsMeant) {
  ::setenv("WATCHDOG_USEC", "40000", 1);
  ::setenv("WATCHDOG_PID", "1", 1);
  ServiceManager manager(loop_);
  manager.ready();
  EXPECT_EQ(heard(), "READY=1");
  EXPECT_EQ(heard(), "");
}

TEST_F(ServiceManagerTest, WithoutOneNothingIsSaid) {
  ::setenv("NOTIFY_SOCKET", dir_.file("nobody").c_str(), 1);
  ServiceManager manager(loop_);
  manager.ready();
  EXPECT_EQ(heard(), "");
}

}  // namespace
}  // namespace aya::io
