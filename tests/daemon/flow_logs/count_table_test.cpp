#include "daemon/flow_logs/count_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "tests/support/allocation_count.h"

namespace aya::flow_logs {
namespace {

FlowKey key(std::uint16_t port, std::uint8_t protocol = 6) {
  return {protocol, {*IpAddress::parse("100.64.0.1"), port},
          *Endpoint::parse("100.64.0.2:443")};
}

TEST(CountTable, TellsKeysApartByEveryPart) {
  CountTable table(16);
  ASSERT_NE(table.add(key(1), Kind::Mesh), nullptr);
  for (const FlowKey& other :
       {key(2), key(1, 17), FlowKey{6, key(1).destination, key(1).source}}) {
    EXPECT_EQ(table.find(other), nullptr);
    ASSERT_NE(table.add(other, Kind::Subnet), nullptr);
  }
  table.find(key(1))->sent_bytes = 5;
  EXPECT_EQ(table.find(key(1))->sent_bytes, 5u);
  EXPECT_EQ(table.find(key(2))->sent_bytes, 0u);
}

TEST(CountTable, IsWalkedInTheOrderOfAddingAndStartsOver) {
  CountTable table(8);
  for (const std::uint16_t port : std::array<std::uint16_t, 3>{30, 10, 20}) {
    table.add(key(port), Kind::Mesh);
  }
  std::vector<std::uint16_t> ports;
  const auto walk = [&] {
    ports.clear();
    table.walk([&](const CountTable::Entry& entry) { ports.push_back(entry.key.source.port); });
    return ports;
  };
  EXPECT_THAT(walk(), testing::ElementsAre(30, 10, 20));
  table.clear();
  EXPECT_THAT(walk(), testing::IsEmpty());
  EXPECT_EQ(table.find(key(10)), nullptr);
  EXPECT_EQ(table.add(key(10), Kind::Mesh)->sent_packets, 0u);
}

TEST(CountTable, TakesNoMoreThanItWasMadeFor) {
  CountTable table(100);
  std::size_t taken = 0;
  for (std::uint16_t port = 1; port <= 200; ++port) {
    taken += table.add(key(port), Kind::Mesh) != nullptr;
  }
  EXPECT_EQ(taken, table.size());
  EXPECT_LE(taken, 100u);
  EXPECT_GE(taken, 95u) << "few of those that there is room for find no place";
  for (std::uint16_t port = 1; port <= 60; ++port) EXPECT_NE(table.find(key(port)), nullptr);
}

TEST(CountTable, AllocatesNothingOnceItIsThere) {
  CountTable table(1000);
  const std::size_t before = test::allocations();
  for (int round = 0; round < 3; ++round) {
    for (std::uint16_t port = 0; port < 1500; ++port) {
      if (table.find(key(port)) == nullptr) table.add(key(port), Kind::Mesh);
    }
    table.clear();
  }
  EXPECT_EQ(test::allocations(), before);
}

}  // namespace
}  // namespace aya::flow_logs
