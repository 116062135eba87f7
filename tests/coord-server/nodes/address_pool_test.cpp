#include "coord-server/nodes/address_pool.h"

#include <gtest/gtest.h>

#include <set>

#include "coord-server/nodes/address_rules.h"
#include "tests/support/seeded_rng.h"

namespace aya::nodes {
namespace {

TEST(AddressPool, HandsOutThousandsOfDifferentAllowedAddresses) {
  test::SeededRng rng;
  AddressPool pool(rng);
  std::set<IpAddress> given;
  const auto taken = [&](const IpAddress& a) { return given.contains(a); };
  for (int i = 0; i < 5000; ++i) {
    const auto v4 = pool.pick_v4({kOverlayV4}, taken);
    ASSERT_TRUE(v4);
    EXPECT_TRUE(may_allocate_v4(*v4)) << v4->to_text();
    EXPECT_TRUE(given.insert(*v4).second);
    const IpAddress v6 = pool.pick_v6(taken);
    EXPECT_TRUE(may_allocate_v6(v6)) << v6.to_text();
    EXPECT_TRUE(given.insert(v6).second);
  }
}

TEST(AddressPool, FindsTheLastFreeAddressAndThenSaysThatThereIsNone) {
  test::SeededRng rng;
  AddressPool pool(rng);
  const IpAddress last = *IpAddress::parse("100.70.1.2");
  EXPECT_EQ(pool.pick_v4({kOverlayV4}, [&](const IpAddress& a) { return a != last; }), last);
  EXPECT_EQ(pool.pick_v4({kOverlayV4}, [](const IpAddress&) { return true; }), std::nullopt);
}

}  // namespace
}  // namespace aya::nodes
