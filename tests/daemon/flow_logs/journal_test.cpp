#include "daemon/flow_logs/journal.h"

#include <gtest/gtest.h>

namespace aya::flow_logs {
namespace {

control::FlowWindow window(std::size_t rows) {
  control::FlowWindow out;
  out.mesh.resize(rows);
  return out;
}

TEST(Journal, KeepsWhatTheServerHasNotGot) {
  Journal journal("a");
  EXPECT_FALSE(journal.report());
  for (int i = 0; i < 3; ++i) journal.add(window(1));
  const auto report = journal.report();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->run, "a");
  EXPECT_EQ(report->first, 0u);
  EXPECT_EQ(report->windows.size(), 3u);
  EXPECT_EQ(*journal.report(), *report) << "until it is settled";
  journal.add(window(2));
  journal.settle(*report, Journal::Fate::Taken);
  EXPECT_EQ(journal.rows(), 2u);
  EXPECT_EQ(journal.report()->first, 3u);
  journal.settle(*journal.report(), Journal::Fate::Refused);
  EXPECT_TRUE(journal.empty());
  EXPECT_EQ(journal.counters().sent, 3u);
  EXPECT_EQ(journal.counters().refused, 1u);
}

TEST(Journal, AReportIsNoLongerThanItMayBe) {
  Journal journal("a");
  journal.add(window(Journal::kReportRows + 500));
  journal.add(window(Journal::kReportRows - 1));
  journal.add(window(1));
  journal.add(window(1));
  EXPECT_EQ(journal.report()->windows.size(), 1u) << "one is never divided";
  journal.settle(*journal.report(), Journal::Fate::Taken);
  EXPECT_EQ(journal.report()->windows.size(), 2u);
}

TEST(Journal, TheOldestGoWhereThereIsNoRoom) {
  Journal journal("a", 10);
  for (int i = 0; i < 4; ++i) journal.add(window(4));
  EXPECT_EQ(journal.rows(), 8u);
  EXPECT_EQ(journal.counters().dropped, 2u);
  const auto report = *journal.report();
  EXPECT_EQ(report.first, 2u);
  // They went while that report was under way: what is left of it is settled all the same.
  journal.add(window(4));
  journal.settle(report, Journal::Fate::Taken);
  EXPECT_EQ(journal.report()->first, 4u);
  EXPECT_EQ(journal.report()->windows.size(), 1u);
}

TEST(Journal, NumbersGoOnWhenItIsEmptied) {
  Journal journal("a");
  journal.add(window(1));
  journal.clear();
  EXPECT_TRUE(journal.empty());
  EXPECT_EQ(journal.rows(), 0u);
  journal.add(window(1));
  EXPECT_EQ(journal.report()->first, 1u);
}

}  // namespace
}  // namespace aya::flow_logs
