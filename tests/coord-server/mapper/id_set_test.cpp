#include "coord-server/mapper/id_set.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace aya::mapper {
namespace {

TEST(IdSet, IsASet) {
  IdSet<int> ids;
  std::set<int> model;
  std::mt19937 random(1);
  for (int step = 0; step < 5000; ++step) {
    const int id = static_cast<int>(random() % 100);
    if (random() % 2 == 0) {
      EXPECT_EQ(ids.insert(id), model.insert(id).second);
    } else {
      EXPECT_EQ(ids.erase(id), model.erase(id) > 0);
    }
    EXPECT_EQ(ids.contains(id), model.contains(id));
    EXPECT_EQ(ids.size(), model.size());
  }
}

}  // namespace
}  // namespace aya::mapper
