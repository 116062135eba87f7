#include "daemon/filter/flow_table.h"

#include <gtest/gtest.h>

#include <list>
#include <random>

namespace aya::filter {
namespace {

Flow flow(std::uint16_t port) {
  return {17, {IpAddress::v4(0x64400002), port}, {IpAddress::v4(0x64400001), 4000}};
}

TEST(FlowTable, ForgetsTheLeastRecentlyUsed) {
  FlowTable table(3);
  for (std::uint16_t port = 1; port <= 3; ++port) table.remember(flow(port));
  EXPECT_TRUE(table.find(flow(1)));  // now 2 is the oldest
  table.remember(flow(4));
  EXPECT_FALSE(table.find(flow(2)));
  EXPECT_TRUE(table.find(flow(1)));
  EXPECT_TRUE(table.find(flow(3)));
  EXPECT_TRUE(table.find(flow(4)));
  EXPECT_EQ(table.size(), 3u);
}

TEST(FlowTable, RememberingAgainCountsAsUse) {
  FlowTable table(2);
  table.remember(flow(1));
  table.remember(flow(2));
  table.remember(flow(1));
  table.remember(flow(3));
  EXPECT_FALSE(table.find(flow(2)));
  EXPECT_TRUE(table.find(flow(1)));
}

TEST(FlowTable, TellsProtocolsAndDirectionsApart) {
  FlowTable table;
  table.remember(flow(1));
  Flow sctp = flow(1);
  sctp.protocol = 132;
  Flow reversed = flow(1);
  std::swap(reversed.source, reversed.destination);
  EXPECT_FALSE(table.find(sctp));
  EXPECT_FALSE(table.find(reversed));
}

// A plain list that does the same slowly.
TEST(FlowTable, AgreesWithASimpleListOverManyRandomSteps) {
  std::mt19937 random(1);
  FlowTable table(16);
  std::list<std::uint16_t> model;  // newest first
  for (int step = 0; step < 20000; ++step) {
    const auto port = static_cast<std::uint16_t>(random() % 40);
    const auto known = std::find(model.begin(), model.end(), port);
    const bool was_known = known != model.end();
    if (random() % 2 == 0) {
      EXPECT_EQ(table.find(flow(port)) != nullptr, was_known);
      if (was_known) model.splice(model.begin(), model, known);
      continue;
    }
    table.remember(flow(port));
    if (was_known) model.erase(known);
    model.push_front(port);
    if (model.size() > 16) model.pop_back();
  }
}

TEST(FlowTable, IsEmptyAfterClear) {
  FlowTable table(2);
  table.remember(flow(1));
  table.clear();
  EXPECT_FALSE(table.find(flow(1)));
  table.remember(flow(2));
  EXPECT_TRUE(table.find(flow(2)));
}

}  // namespace
}  // namespace aya::filter
