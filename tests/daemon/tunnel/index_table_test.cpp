#include "daemon/tunnel/index_table.h"

#include <gtest/gtest.h>

#include <set>

#include "daemon/tunnel/session.h"
#include "tests/support/tunnel_pair.h"

namespace aya::tunnel {
namespace {

TEST(IndexTable, FindsWhatWasAddedUntilItIsRemoved) {
  test::SeededRng rng(1);
  IndexTable table(rng);
  Session session;
  const std::uint32_t index = table.add(PeerId{7}, nullptr);
  ASSERT_NE(table.find(index), nullptr);
  EXPECT_EQ(table.find(index)->peer, PeerId{7});
  EXPECT_EQ(table.find(index)->session, nullptr);
  table.become_session(index, &session);
  EXPECT_EQ(table.find(index)->session, &session);
  table.remove(index);
  EXPECT_EQ(table.find(index), nullptr);
}

TEST(IndexTable, NeverNamesTwoLiveEntriesAlikeAndDoesNotReviveOldNames) {
  test::SeededRng rng(2);
  IndexTable table(rng);
  std::set<std::uint32_t> live, dead;
  for (int round = 0; round < 20000; ++round) {
    if (live.size() < 50 || rng.below(2) == 0) {
      const std::uint32_t index = table.add(PeerId{rng.below(9)}, nullptr);
      EXPECT_TRUE(live.insert(index).second);
      EXPECT_FALSE(dead.contains(index));
    } else {
      const std::uint32_t index = *std::next(live.begin(), rng.below(40));
      table.remove(index);
      live.erase(index);
      dead.insert(index);
    }
  }
  for (const std::uint32_t index : live) EXPECT_NE(table.find(index), nullptr);
  for (const std::uint32_t index : dead) EXPECT_EQ(table.find(index), nullptr);
  EXPECT_EQ(table.size(), live.size());
}

TEST(IndexTable, GivesIndicesThatDoNotCount) {
  test::SeededRng rng(3);
  IndexTable table(rng);
  int neighbours = 0;
  std::uint32_t before = table.add(PeerId{0}, nullptr);
  for (int i = 0; i < 1000; ++i) {
    const std::uint32_t index = table.add(PeerId{0}, nullptr);
    neighbours += index - before < 1000 ? 1 : 0;
    before = index;
  }
  EXPECT_LT(neighbours, 3);
}

}  // namespace
}  // namespace aya::tunnel
