#include "proto/io/echo_socket.h"

#include <gtest/gtest.h>

#include "tests/support/seeded_rng.h"

namespace aya::io {
namespace {

TEST(EchoSocket, HearsHowFarThisHostIs) {
  Loop loop;
  aya::test::SeededRng rng;
  std::vector<IpAddress> heard;
  EchoSocket echo(loop, rng, {}, 2s, [&](const IpAddress& from, Duration latency) {
    EXPECT_LT(latency, 2s);
    heard.push_back(from);
  });
  if (!echo.works(true)) GTEST_SKIP() << "raw sockets are for administrators";
  echo.ask(*IpAddress::parse("127.0.0.1"));
  echo.ask(*IpAddress::parse("127.0.0.1"));  // another question
  loop.run_until([&] { return heard.size() >= 2; }, 2s);
  EXPECT_EQ(heard, std::vector(2, *IpAddress::parse("127.0.0.1")));
}

TEST(EchoSocket, HostsThatAreNowhereDoNotAnswer) {
  Loop loop;
  aya::test::SeededRng rng;
  int heard = 0;
  EchoSocket echo(loop, rng, {}, 50ms, [&](const IpAddress&, Duration) { ++heard; });
  echo.ask(*IpAddress::parse("240.0.0.1"));
  echo.ask(*IpAddress::parse("2001:db8::1"));
  loop.run_until([] { return false; }, 100ms);
  EXPECT_EQ(heard, 0);
}

}  // namespace
}  // namespace aya::io
