// Hours of bad weather in virtual time: whatever the link does, traffic recovers, no key and
// counter is used twice, and nothing grows.
#include <gtest/gtest.h>

#include <set>

#include "proto/wireguard/constants.h"
#include "tests/support/tunnel_pair.h"

namespace aya::tunnel {
namespace {

using test::Link;
using test::TunnelPair;
using namespace wireguard;

struct Weather {
  const char* name;
  Link link;
  double delivered_at_least;  // of what was sent
};

class TunnelWeather : public testing::TestWithParam<Weather> {
 protected:
  // Every transport datagram must have a (session, counter) of its own, and counters of one session
  // must only grow.
  void watch() {
    net.on_wire = [this](const TunnelPair::End& from, Bytes datagram) {
      if (message_type(datagram) != MessageType::Transport) return true;
      const auto& header = *view<TransportHeader>(datagram);
      auto& next = next_counter[{&from == &net.a, header.receiver}];
      EXPECT_GE(header.counter, next);
      next = header.counter + 1;
      return true;
    };
  }

  TunnelPair net{GetParam().link};
  std::map<std::pair<bool, std::uint32_t>, std::uint64_t> next_counter;
};

TEST_P(TunnelWeather, TrafficFlowsForHours) {
  watch();
  test::SeededRng traffic(GetParam().link.seed + 77);
  std::uint32_t sent = 0;
  std::size_t slabs_after_an_hour = 0;
  const TimePoint start = net.now;
  while (net.now - start < 4h) {
    const std::uint32_t burst = 1 + traffic.below(8);
    for (std::uint32_t i = 0; i < burst; ++i) net.send(traffic.below(2) ? net.a : net.b, ++sent);
    // Mostly busy, now and then idle long enough for every timer.
    const bool pause = traffic.below(200) == 0;
    net.advance(
        pause ? std::chrono::seconds(traffic.below(900))
              : std::chrono::milliseconds(traffic.below(2000)));
    ASSERT_LE(net.a.stats().sessions, 3u);
    ASSERT_LE(net.b.stats().sessions, 3u);
    if (slabs_after_an_hour == 0 && net.now - start > 1h) {
      slabs_after_an_hour = net.a.pool.slabs() + net.b.pool.slabs();
    }
  }
  net.advance(10s);
  const std::size_t arrived = net.a.received.size() + net.b.received.size();
  EXPECT_GE(static_cast<double>(arrived), GetParam().delivered_at_least * sent) << sent << " sent";
  for (const auto* end : {&net.a, &net.b}) {
    const std::set<std::uint32_t> distinct(end->received.begin(), end->received.end());
    EXPECT_EQ(distinct.size(), end->received.size());  // nothing twice
  }
  EXPECT_LE(net.a.pool.slabs() + net.b.pool.slabs(), slabs_after_an_hour + 128);
}

// The link dies for a while, at any moment of the sessions' lives; afterwards a packet must get
// through in the time of a few retries, whoever sends it.
TEST_P(TunnelWeather, RecoversFromEveryOutage) {
  watch();
  test::SeededRng chance(GetParam().link.seed + 5);
  std::uint32_t number = 0;
  for (int outage = 0; outage < 40; ++outage) {
    net.link.dead = true;
    const TimePoint until = net.now + std::chrono::seconds(chance.below(400));
    while (net.now < until) {
      net.send(chance.below(2) ? net.a : net.b, ++number);
      net.advance(std::chrono::milliseconds(chance.below(30000)));
    }
    net.link.dead = false;
    TunnelPair::End& sender = chance.below(2) ? net.a : net.b;
    const std::uint32_t first = number + 1;
    bool through = false;
    for (int second = 0; second < 120 && !through; ++second) {
      net.send(sender, ++number);
      net.advance(1s);
      const auto& got = net.other(sender).received;
      through = got.lower_bound(first) != got.end();
    }
    ASSERT_TRUE(through) << "after outage " << outage;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Links, TunnelWeather,
    testing::Values(
        // Initiations that cross cost what is in flight: dataplane 1.6 drops the previous key.
        Weather{"fair", {}, 0.99}, Weather{"lossy", {.loss = 0.2, .seed = 2}, 0.7},
        Weather{"reordering", {.delay = 50ms, .spread = 3s, .seed = 3}, 0.9},
        Weather{"duplicating", {.duplicates = 0.5, .spread = 100ms, .seed = 4}, 0.99},
        Weather{
            "terrible",
            {.loss = 0.4, .duplicates = 0.3, .delay = 200ms, .spread = 2s, .seed = 5},
            0.3}),
    [](const auto& named) { return std::string(named.param.name); });

}  // namespace
}  // namespace aya::tunnel
