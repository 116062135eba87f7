#include "daemon/flow_logs/flow_counter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace aya::flow_logs {
namespace {

using control::FlowTraffic;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const WallTime kStart = *parse_rfc3339("2026-02-01T09:00:00Z");

FlowKey flow(std::uint16_t port, const char* to = "100.64.0.2:443") {
  return {6, {*IpAddress::parse("100.64.0.1"), port}, *Endpoint::parse(to)};
}

class Counting : public testing::Test {
 protected:
  void count(Way way, const FlowKey& what, Kind kind, std::uint64_t bytes) {
    Count* count = counter.known(way, what);
    if (count == nullptr) count = &counter.begin(way, what, kind);
    ++(way == Way::Sent ? count->sent_packets : count->received_packets);
    (way == Way::Sent ? count->sent_bytes : count->received_bytes) += bytes;
  }
  control::FlowWindow close() {
    return counter.close(kStart, kStart + 5s).value_or(control::FlowWindow{});
  }

  FlowCounter counter{{4, 2}};
};

TEST_F(Counting, BothWaysOfAFlowAreOneRow) {
  count(Way::Sent, flow(1), Kind::Mesh, 100);
  count(Way::Received, flow(1), Kind::Mesh, 1000);
  count(Way::Sent, flow(1), Kind::Mesh, 50);
  const auto window = close();
  EXPECT_EQ(window.start, kStart);
  EXPECT_EQ(window.end, kStart + 5s);
  EXPECT_THAT(
      window.mesh,
      ElementsAre(FlowTraffic{6, flow(1).source, flow(1).destination, {2, 150, 1, 1000}}));
  EXPECT_EQ(window.rows(), 1u);
}

TEST_F(Counting, KindsStandApart) {
  count(Way::Sent, flow(1), Kind::Mesh, 1);
  count(Way::Sent, flow(2, "10.0.0.7:53"), Kind::Subnet, 2);
  Count& outer = counter.outer(
      *IpAddress::parse("100.64.0.2"), PathAddress::direct(*Endpoint::parse("198.51.100.7:41641")));
  outer.sent_packets = 3;
  Count& relayed = counter.outer(*IpAddress::parse("100.64.0.2"), PathAddress::relayed(900));
  relayed.received_packets = 4;
  const auto window = close();
  EXPECT_THAT(window.mesh, SizeIs(1));
  EXPECT_THAT(window.subnet, SizeIs(1));
  EXPECT_THAT(
      window.outer,
      ElementsAre(
          FlowTraffic{0, *Endpoint::parse("100.64.0.2:0"), *Endpoint::parse("198.51.100.7:41641"),
                      {3, 0, 0, 0}},
          FlowTraffic{0, *Endpoint::parse("100.64.0.2:0"), *Endpoint::parse("127.3.3.40:900"),
                      {0, 0, 4, 0}}));
}

TEST_F(Counting, OfTheInternetThereIsASumAndNothingElse) {
  for (std::uint16_t port = 1; port <= 9; ++port) {
    count(Way::Sent, flow(port, "192.0.2.80:443"), Kind::Internet, 100);
    count(Way::Received, flow(port, "192.0.2.80:443"), Kind::Internet, 10);
  }
  const auto window = close();
  EXPECT_THAT(window.internet, ElementsAre(FlowTraffic{0, {}, {}, {9, 900, 9, 90}}));
  EXPECT_EQ(window.rows(), 1u);
  EXPECT_EQ(counter.overflowed(), 0u);
}

TEST_F(Counting, WhatFindsNoPlaceIsCountedTogether) {
  for (std::uint16_t port = 1; port <= 10; ++port) count(Way::Sent, flow(port), Kind::Mesh, 10);
  count(Way::Sent, flow(1), Kind::Mesh, 10);
  count(Way::Sent, flow(11, "10.0.0.7:53"), Kind::Subnet, 7);
  const auto window = close();
  ASSERT_THAT(window.mesh, SizeIs(5));
  EXPECT_EQ(window.mesh.back(), (FlowTraffic{0, {}, {}, {6, 60, 0, 0}}));
  EXPECT_THAT(window.subnet, ElementsAre(FlowTraffic{0, {}, {}, {1, 7, 0, 0}}));
  EXPECT_EQ(counter.overflowed(), 7u);
  std::uint64_t bytes = 0;
  for (const FlowTraffic& row : window.mesh) bytes += row.count.sent_bytes;
  EXPECT_EQ(bytes, 110u);
}

TEST_F(Counting, AWindowWithoutTrafficIsNone) {
  EXPECT_FALSE(counter.close(kStart, kStart + 5s));
  count(Way::Sent, flow(1), Kind::Mesh, 100);
  EXPECT_TRUE(counter.close(kStart, kStart + 5s));
  EXPECT_FALSE(counter.close(kStart, kStart + 5s)) << "it began anew";
  count(Way::Sent, flow(1), Kind::Mesh, 1);
  EXPECT_EQ(close().mesh[0].count.sent_bytes, 1u);
}

}  // namespace
}  // namespace aya::flow_logs
