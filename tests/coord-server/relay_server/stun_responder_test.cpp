#include "coord-server/relay_server/stun_responder.h"

#include <gtest/gtest.h>

#include "proto/stun/binding.h"
#include "tests/support/seeded_rng.h"

namespace aya::relay_server {
namespace {

struct StunBench {
  test::SeededRng rng;
  StunResponder responder{rng};
  TimePoint now{1000s};
  Buffer reply;

  bool ask(std::string_view from) {
    const stun::TxId tx = rng.array<12>();
    const auto request = stun::make_request(tx);
    const auto at = Endpoint::parse(from);
    if (!responder.answer(request, *at, now, reply)) return false;
    const auto response = stun::parse_response(reply);
    EXPECT_TRUE(response);
    EXPECT_EQ(response->tx_id, tx);
    EXPECT_EQ(response->mapped, *at);
    return true;
  }
  int ask_often(std::string_view from, int times) {
    int answered = 0;
    for (int i = 0; i < times; ++i) answered += ask(from);
    return answered;
  }
};

TEST(StunResponder, TellsTheSenderItsAddress) {
  StunBench bench;
  EXPECT_TRUE(bench.ask("203.0.113.5:41641"));
  EXPECT_EQ(bench.reply.size(), 32u);
  EXPECT_TRUE(bench.ask("[2001:db8::1]:1"));
  EXPECT_EQ(bench.reply.size(), 44u);
  EXPECT_EQ(bench.responder.counters().answered, 2u);
}

TEST(StunResponder, KeepsSilentTowardsEverythingElse) {
  StunBench bench;
  auto damaged = stun::make_request({});
  damaged[39] ^= std::byte{1};  // the fingerprint
  const Endpoint from = *Endpoint::parse("203.0.113.5:1");
  EXPECT_FALSE(bench.responder.answer(damaged, from, bench.now, bench.reply));
  EXPECT_FALSE(bench.responder.answer({}, from, bench.now, bench.reply));
  ASSERT_TRUE(bench.ask("203.0.113.5:1"));
  const Buffer response = bench.reply;
  EXPECT_FALSE(bench.responder.answer(response, from, bench.now, bench.reply));
  EXPECT_EQ(bench.responder.counters().refused, 3u);
}

TEST(StunResponder, AnswersAHundredAtOnceThenFiftyASecond) {
  StunBench bench;
  EXPECT_EQ(bench.ask_often("203.0.113.5:1", 200), 100);
  EXPECT_EQ(bench.ask_often("203.0.113.5:2", 10), 0);  // another port is no other source
  EXPECT_TRUE(bench.ask("203.0.113.6:1"));
  bench.now += 1s;
  EXPECT_EQ(bench.ask_often("203.0.113.5:1", 200), 50);
  bench.now += 60s;
  EXPECT_EQ(bench.ask_often("203.0.113.5:1", 200), 100);
  EXPECT_EQ(bench.responder.counters().limited, 100u + 10 + 150 + 100);
}

TEST(StunResponder, CountsAnIpv6CustomerOnce) {
  StunBench bench;
  EXPECT_EQ(bench.ask_often("[2001:db8:0:12::1]:1", 100), 100);
  EXPECT_FALSE(bench.ask("[2001:db8:0:34:ffff::2]:1"));  // the same /56
  EXPECT_TRUE(bench.ask("[2001:db8:0:112::1]:1"));       // the next one
}

TEST(StunResponder, SurvivesAFloodOfInventedSources) {
  StunBench bench;
  for (int i = 0; i < 20000; ++i) {
    const auto low = std::to_string(i % 250), high = std::to_string(i / 250);
    bench.ask("10.1." + high + "." + low + ":1");
  }
  EXPECT_EQ(bench.responder.counters().answered, 20000u);
}

}  // namespace
}  // namespace aya::relay_server
