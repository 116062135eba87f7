// What needs no peer: the loop and other threads, timers, watched descriptors, name lookups.
#include "proto/io/loop.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <thread>
#include <vector>

#include "proto/io/fd_watcher.h"
#include "proto/io/name_lookup.h"
#include "proto/io/timer.h"
#include "tests/proto/io/stream_pair.h"

namespace aya::io {
namespace {

using namespace test;
using testing::Contains;
using testing::ElementsAre;

// ---- Loop

TEST(Loop, RunsWhatOtherThreadsPostInTheirOrder) {
  constexpr int kThreads = 4, kEach = 500;
  Loop loop;
  const auto home = std::this_thread::get_id();
  std::array<std::vector<int>, kThreads> seen;  // touched by tasks alone
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        loop.post([&, t, i] {
          EXPECT_EQ(std::this_thread::get_id(), home);
          seen[t].push_back(i);
        });
      }
    });
  }
  const auto all = [&] {
    return std::ranges::all_of(seen, [](const auto& list) { return list.size() == kEach; });
  };
  EXPECT_TRUE(loop.run_until(all, kLimit));
  for (std::thread& thread : threads) thread.join();
  for (const auto& list : seen) EXPECT_TRUE(std::ranges::is_sorted(list));
}

TEST(Loop, WakesForATaskFromAnotherThreadWhileItWaits) {
  Loop loop;
  std::thread other([&] {
    std::this_thread::sleep_for(10ms);
    loop.post([&] { loop.stop(); });
  });
  loop.run();
  other.join();
}

TEST(Loop, RunsATaskPostedByATaskOnALaterTurn) {
  Loop loop;
  std::vector<int> order;
  loop.post([&] {
    loop.post([&] { order.push_back(2); });
    order.push_back(1);
  });
  EXPECT_TRUE(loop.run_until([&] { return order.size() == 2; }, kLimit));
  EXPECT_THAT(order, ElementsAre(1, 2));
}

TEST(Loop, StopsAtOnceWhenToldBeforehandAndRunsAgain) {
  Loop loop;
  loop.stop();
  loop.run();
  bool ran = false;
  loop.post([&] {
    ran = true;
    loop.stop();
  });
  loop.run();
  EXPECT_TRUE(ran);
}

TEST(Loop, RunsUntilItsQuestionIsAnsweredOrTheLimitIsReached) {
  Loop loop;
  EXPECT_TRUE(loop.run_until([] { return true; }, 0ms));
  const TimePoint begin = loop.now();
  EXPECT_FALSE(loop.run_until([] { return false; }, kMoment));
  EXPECT_GE(loop.now() - begin, kMoment);
  bool done = false;
  Timer timer(loop, [&] { done = true; });
  timer.arm_in(1ms);
  EXPECT_TRUE(loop.run_until([&] { return done; }, kLimit));
}

TEST(Loop, EndsWithTasksThatNeverRan) {
  const auto held = std::make_shared<int>();
  {
    Loop loop;
    loop.post([held] { FAIL(); });
  }
  EXPECT_EQ(held.use_count(), 1);
}

// ---- Timer

TEST(Timer, NeverFiresBeforeItsDeadline) {
  Loop loop;
  for (const Duration wait : {Duration(0), Duration(1), Duration(1500us), Duration(7ms)}) {
    std::optional<TimePoint> fired;
    Timer timer(loop, [&] { fired = loop.now(); });
    const TimePoint deadline = loop.now() + wait;
    timer.arm(deadline);
    EXPECT_EQ(timer.armed(), deadline);
    ASSERT_TRUE(loop.run_until([&] { return fired.has_value(); }, kLimit));
    EXPECT_GE(*fired, deadline);
    EXPECT_FALSE(timer.armed().has_value());
  }
}

TEST(Timer, FiresOncePerArmingInOrderOfDeadlines) {
  Loop loop;
  std::vector<int> order;
  Timer late(loop, [&] { order.push_back(2); });
  Timer soon(loop, [&] { order.push_back(1); });
  Timer past(loop, [&] { order.push_back(0); });
  const TimePoint now = loop.now();
  late.arm(now + 8ms);
  soon.arm(now + 3ms);
  past.arm(now - 1h);
  EXPECT_FALSE(loop.run_until([&] { return order.size() > 3; }, kMoment));
  EXPECT_THAT(order, ElementsAre(0, 1, 2));
}

TEST(Timer, KeepsOnlyTheLastDeadline) {
  Loop loop;
  int fired = 0;
  Timer timer(loop, [&] { ++fired; });
  timer.arm_in(1ms);
  timer.arm_in(1h);
  EXPECT_FALSE(loop.run_until([&] { return fired > 0; }, kMoment));
  timer.arm_in(1ms);
  ASSERT_TRUE(loop.run_until([&] { return fired == 1; }, kLimit));
  timer.arm_in(1ms);
  timer.disarm();
  EXPECT_FALSE(timer.armed().has_value());
  EXPECT_FALSE(loop.run_until([&] { return fired > 1; }, kMoment));
}

TEST(Timer, MayBeArmedAndDestroyedByItsOwnCall) {
  Loop loop;
  int fired = 0;
  std::unique_ptr<Timer> timer;
  timer = std::make_unique<Timer>(loop, [&] {
    if (++fired < 3) return timer->arm_in(1ms);
    timer.reset();
  });
  timer->arm_in(0ms);
  ASSERT_TRUE(loop.run_until([&] { return timer == nullptr; }, kLimit));
  EXPECT_EQ(fired, 3);
}

TEST(Timer, IsSilentOnceDestroyed) {
  Loop loop;
  auto other = std::make_unique<Timer>(loop, [] { FAIL(); });
  bool fired = false;
  Timer first(loop, [&] {
    fired = true;
    other.reset();
  });
  const TimePoint now = loop.now();
  first.arm(now);
  other->arm(now + 1ns);
  EXPECT_FALSE(loop.run_until([] { return false; }, kMoment));
  EXPECT_TRUE(fired);
}

// ---- FdWatcher

struct Pipe {
  Pipe() { EXPECT_EQ(::pipe(ends.data()), 0); }
  ~Pipe() {
    for (const int end : ends) {
      if (end >= 0) ::close(end);
    }
  }
  void put(std::string_view text) {
    EXPECT_EQ(::write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  std::array<int, 2> ends{-1, -1};
};

TEST(FdWatcher, TellsAgainUntilEverythingIsRead) {
  Loop loop;
  Pipe pipe;
  std::string read;
  FdWatcher watcher(loop, pipe.ends[0], [&] {
    char c = 0;
    if (::read(pipe.ends[0], &c, 1) == 1) read.push_back(c);
  });
  EXPECT_FALSE(loop.run_until([&] { return !read.empty(); }, kMoment));
  pipe.put("abc");
  ASSERT_TRUE(loop.run_until([&] { return read.size() == 3; }, kLimit));
  EXPECT_EQ(read, "abc");
}

TEST(FdWatcher, MayBeDestroyedByItsOwnCall) {
  Loop loop;
  Pipe pipe;
  pipe.put("unread");
  int told = 0;
  std::optional<FdWatcher> watcher;
  watcher.emplace(loop, pipe.ends[0], [&] {
    ++told;
    watcher.reset();
  });
  EXPECT_FALSE(loop.run_until([&] { return told > 1; }, kMoment));
  EXPECT_EQ(told, 1);
}

// A connected UDP socket: the only peer on the loopback interface that gives it errors at will.
struct ConnectedUdp {
  ConnectedUdp() : descriptor(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
    EXPECT_EQ(::bind(descriptor, reinterpret_cast<const sockaddr*>(&here), sizeof here), 0);
  }
  ~ConnectedUdp() { ::close(descriptor); }
  sockaddr_in address() const {
    sockaddr_in out{};
    socklen_t size = sizeof out;
    EXPECT_EQ(::getsockname(descriptor, reinterpret_cast<sockaddr*>(&out), &size), 0);
    return out;
  }
  void connect(const sockaddr_in& to) const {
    EXPECT_EQ(::connect(descriptor, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  }
  sockaddr_in here{AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {}};
  int descriptor;
};

TEST(FdWatcher, GoesOnAfterAnErrorThatWasRead) {
  Loop loop;
  const ConnectedUdp socket;
  auto peer = std::make_optional<ConnectedUdp>();
  const sockaddr_in peer_address = peer->address();
  socket.connect(peer_address);
  peer.reset();

  std::vector<int> errors;
  std::string read;
  FdWatcher watcher(loop, socket.descriptor, [&] {
    std::array<char, 16> text{};
    const ssize_t size = ::recv(socket.descriptor, text.data(), text.size(), 0);
    if (size >= 0) {
      read.append(text.data(), static_cast<std::size_t>(size));
    } else {
      errors.push_back(errno);
    }
  });
  ASSERT_EQ(::send(socket.descriptor, "?", 1, 0), 1);  // to nobody: ICMP says so
  ASSERT_TRUE(loop.run_until([&] { return !errors.empty(); }, kLimit));
  EXPECT_THAT(errors, ElementsAre(ECONNREFUSED));

  ConnectedUdp again;
  ::close(again.descriptor);
  again.descriptor = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  ASSERT_EQ(
      ::bind(
          again.descriptor, reinterpret_cast<const sockaddr*>(&peer_address), sizeof peer_address),
      0);
  again.connect(socket.address());
  ASSERT_EQ(::send(again.descriptor, "back", 4, 0), 4);
  EXPECT_TRUE(loop.run_until([&] { return read == "back"; }, kLimit));
}

TEST(FdWatcher, LeavesADescriptorAloneThatStaysInError) {
  Loop loop;
  Pipe pipe;
  ::close(std::exchange(pipe.ends[0], -1));  // nobody will ever read
  int told = 0;
  const FdWatcher watcher(loop, pipe.ends[1], [&] { ++told; });
  EXPECT_FALSE(loop.run_until([&] { return told > 1; }, kMoment));
  EXPECT_EQ(told, 1);
}

// ---- NameLookup

std::optional<NameLookup::Answer> look_up(Loop& loop, const std::string& host) {
  std::optional<NameLookup::Answer> answer;
  const NameLookup lookup(loop, host, [&](NameLookup::Answer got) { answer = std::move(got); });
  EXPECT_FALSE(answer.has_value()) << "answers come from the loop";
  EXPECT_TRUE(loop.run_until([&] { return answer.has_value(); }, kLimit));
  return answer;
}

TEST(NameLookup, AnswersLiteralsAndLocalNames) {
  Loop loop;
  for (const auto text : {"192.0.2.7", "2001:db8::7"}) {
    const auto answer = look_up(loop, text);
    ASSERT_TRUE(answer && answer->has_value());
    EXPECT_THAT(**answer, ElementsAre(*IpAddress::parse(text)));
  }
  const auto local = look_up(loop, "localhost");
  ASSERT_TRUE(local && local->has_value());
  EXPECT_TRUE((*local)->front().is_loopback());
}

TEST(NameLookup, FailsWithAReason) {
  Loop loop;
  const auto answer = look_up(loop, std::string(2000, 'x'));
  ASSERT_TRUE(answer && !answer->has_value());
  EXPECT_FALSE(answer->error().detail.empty());
}

TEST(NameLookup, ForgetsAnAnswerThatNobodyWaitsFor) {
  Loop loop;
  for (const auto host : {"192.0.2.7", "localhost"}) {
    NameLookup lookup(loop, host, [](NameLookup::Answer) { FAIL(); });
  }
  EXPECT_FALSE(loop.run_until([] { return false; }, kMoment));
}

TEST(NameLookup, MayBeDestroyedByItsOwnCall) {
  Loop loop;
  for (const auto host : {"192.0.2.7", "localhost"}) {
    std::optional<NameLookup> lookup;
    bool answered = false;
    lookup.emplace(loop, host, [&](NameLookup::Answer) {
      answered = true;
      lookup.reset();
    });
    EXPECT_TRUE(loop.run_until([&] { return answered; }, kLimit));
  }
}

}  // namespace
}  // namespace aya::io
