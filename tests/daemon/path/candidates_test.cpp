#include "daemon/path/candidates.h"

#include <gtest/gtest.h>

namespace aya::path {
namespace {

Endpoint at(std::string_view text) { return *Endpoint::parse(text); }

constexpr TimePoint kStart = TimePoint(1h);

TEST(Candidates, RefusesWhatCannotBeADirectPath) {
  for (const char* text :
       {"1.2.3.4:0", "0.0.0.0:1", "[::]:1", "224.0.0.1:1", "[ff02::1]:1", "[fe80::1]:1",
        "100.64.0.1:1", "100.100.100.100:1", "[fd7a:115c:a1e0::1]:1", "127.3.3.40:1"}) {
    EXPECT_FALSE(is_usable_candidate(at(text))) << text;
  }
  for (const char* text :
       {"1.2.3.4:1", "192.168.0.1:1", "127.0.0.1:1", "169.254.0.1:1", "[2001:db8::1]:1",
        "[fd00::1]:1", "100.128.0.1:1"}) {
    EXPECT_TRUE(is_usable_candidate(at(text))) << text;
  }
}

TEST(Candidates, StayWhileAnySourceVouches) {
  Candidates set;
  const std::vector both{at("1.1.1.1:1"), at("2.2.2.2:2")};
  EXPECT_TRUE(set.set_netmap(both));
  EXPECT_FALSE(set.set_call(std::span(both).first(1)));
  EXPECT_FALSE(set.set_netmap({}));
  set.expire(kStart, {});
  EXPECT_TRUE(set.find(both[0]));
  EXPECT_FALSE(set.find(both[1]));
  set.set_call({});
  set.expire(kStart, both[0]);
  EXPECT_TRUE(set.find(both[0])) << "the path in use stays";
  set.expire(kStart, {});
  EXPECT_TRUE(set.empty());
}

TEST(Candidates, LearnedOnesLastFortyFiveSecondsAfterTheLastPing) {
  Candidates set;
  ASSERT_TRUE(set.learn(at("1.1.1.1:1"), kStart));
  set.learn(at("1.1.1.1:1"), kStart + 30s);
  set.expire(kStart + 75s, {});
  EXPECT_EQ(set.size(), 1u);
  set.expire(kStart + 75s + 1ns, {});
  EXPECT_TRUE(set.empty());
}

TEST(Candidates, StrangersCannotFillIt) {
  Candidates set;
  for (std::uint16_t port = 1; port <= 2000; ++port) {
    set.learn({*IpAddress::parse("1.1.1.1"), port}, kStart);
  }
  EXPECT_LE(set.size(), kMaxCallMeMaybeAccepted);
  // Once they have expired the next one makes room.
  EXPECT_TRUE(set.learn(at("2.2.2.2:2"), kStart + 46s) || set.size() <= kMaxCallMeMaybeAccepted);
}

TEST(Candidates, LatencyIsTheLeastOfTheRecentPongs) {
  Candidate candidate;
  EXPECT_FALSE(candidate.latency());
  for (const Duration latency : {9ms, 30ms, 20ms, 40ms, 25ms}) candidate.note_latency(latency);
  EXPECT_EQ(candidate.latency(), 9ms);
  candidate.note_latency(50ms);  // replaces the oldest, the 9 ms
  EXPECT_EQ(candidate.latency(), 20ms);
  candidate.forget_history();
  EXPECT_FALSE(candidate.latency());
}

}  // namespace
}  // namespace aya::path
