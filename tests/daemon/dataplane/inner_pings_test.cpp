#include "daemon/dataplane/inner_pings.h"

#include <gtest/gtest.h>

#include "proto/base/hex.h"
#include "tests/support/seeded_rng.h"

namespace aya::dataplane {
namespace {

using filter::PacketView;

constexpr PeerId kAskedPeer{3};
const TimePoint kAsked{};

struct InnerPingsOf : testing::TestWithParam<std::pair<const char*, const char*>> {
  test::SeededRng rng;
  PacketPool pool;
  InnerPings asking{rng, pool}, answering{rng, pool};
  IpAddress us = *IpAddress::parse(GetParam().first);
  IpAddress them = *IpAddress::parse(GetParam().second);
};

TEST_P(InnerPingsOf, ATsmpPingIsAnsweredWithThePortOfThePeerApi) {
  const Packet ping = asking.ask(path::PingId{7}, kAskedPeer, InnerPing::Tsmp, us, them, kAsked);
  const PacketView asked = PacketView::parse(ping.bytes());
  EXPECT_EQ(asked.destination.address, them);
  ASSERT_EQ(asked.transport.size(), 9u);
  EXPECT_EQ(asked.transport[0], std::byte{'p'});
  const auto pong = answering.answer(asked, 8080);
  ASSERT_TRUE(pong);
  const PacketView answered = PacketView::parse(pong->bytes());
  EXPECT_EQ(answered.source.address, them);
  EXPECT_EQ(to_hex(answered.transport), "6f" + to_hex(asked.transport.subspan(1)) + "1f90");
  EXPECT_FALSE(answering.answer(answered, 1)) << "an answer is not answered";

  EXPECT_FALSE(asking.take(PeerId{4}, answered, kAsked)) << "from somebody else";
  const auto done = asking.take(kAskedPeer, answered, kAsked + 20ms);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->id, path::PingId{7});
  EXPECT_EQ(done->latency, Duration(20ms));
  EXPECT_EQ(done->peer_api_port, 8080);
  EXPECT_FALSE(asking.take(kAskedPeer, answered, kAsked + 30ms)) << "once is enough";
}

TEST_P(InnerPingsOf, AnEchoIsOneThatHostsAnswer) {
  Packet ping = asking.ask(path::PingId{7}, kAskedPeer, InnerPing::Icmp, us, them, kAsked);
  const PacketView asked = PacketView::parse(ping.bytes());
  EXPECT_TRUE(asked.is_echo_request());
  EXPECT_FALSE(answering.answer(asked, 8080));
  // The host's answer: the same, with another type.
  const std::size_t at = ping.bytes().size() - asked.transport.size();
  ping.mutable_bytes()[at] = us.is_v4() ? std::byte{0} : std::byte{129};
  const auto done = asking.take(kAskedPeer, PacketView::parse(ping.bytes()), kAsked + 5ms);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->latency, Duration(5ms));
  ping.mutable_bytes()[at + 8] ^= std::byte{1};
  EXPECT_FALSE(asking.take(kAskedPeer, PacketView::parse(ping.bytes()), kAsked))
      << "of another program";
}

TEST_P(InnerPingsOf, WhatIsNotAnsweredIsGivenUp) {
  EXPECT_EQ(asking.next_deadline(), std::nullopt);
  (void)asking.ask(path::PingId{7}, kAskedPeer, InnerPing::Icmp, us, them, kAsked);
  EXPECT_EQ(asking.next_deadline(), kAsked + InnerPings::kPatience);
  std::vector<InnerPingDone> done;
  asking.give_up(kAsked + 1s, done);
  EXPECT_TRUE(done.empty());
  asking.give_up(kAsked + InnerPings::kPatience, done);
  ASSERT_EQ(done.size(), 1u);
  EXPECT_FALSE(done[0].latency);
  EXPECT_EQ(asking.next_deadline(), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(
    Families, InnerPingsOf,
    testing::Values(
        std::pair("100.64.0.1", "100.64.0.2"),
        std::pair("fd7a:115c:a1e0::1", "fd7a:115c:a1e0::2")));

}  // namespace
}  // namespace aya::dataplane
