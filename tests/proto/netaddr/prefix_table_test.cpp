#include "proto/netaddr/prefix_table.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace aya {
namespace {

TEST(PrefixTable, LongestPrefixWins) {
  PrefixTable<int> table;
  table.set(*Prefix::parse("0.0.0.0/0"), 0);
  table.set(*Prefix::parse("10.0.0.0/8"), 8);
  table.set(*Prefix::parse("10.1.0.0/16"), 16);
  table.set(*Prefix::parse("10.1.2.3/32"), 32);
  EXPECT_EQ(*table.find(*IpAddress::parse("10.1.2.3")), 32);
  EXPECT_EQ(*table.find(*IpAddress::parse("10.1.2.4")), 16);
  EXPECT_EQ(*table.find(*IpAddress::parse("10.9.9.9")), 8);
  EXPECT_EQ(*table.find(*IpAddress::parse("192.0.2.1")), 0);
  EXPECT_EQ(table.find(*IpAddress::parse("::1")), nullptr);
  table.erase(*Prefix::parse("10.1.0.0/16"));
  EXPECT_EQ(*table.find(*IpAddress::parse("10.1.2.4")), 8);
}

// Against a plain list of prefixes, over random tables of both families.
TEST(PrefixTable, AgreesWithALinearSearch) {
  std::mt19937 random(7);
  const auto draw_address = [&] {
    if (random() % 2 == 0) return IpAddress::v4(0x0a000000u | (random() & 0x3ffu));
    std::array<std::byte, 16> raw{};
    raw[0] = std::byte{0xfd};
    raw[15] = static_cast<std::byte>(random());
    return IpAddress::v6(raw);
  };
  PrefixTable<int> table;
  std::vector<std::pair<Prefix, int>> list;
  for (int step = 0; step < 4000; ++step) {
    const IpAddress address = draw_address();
    const Prefix prefix =
        Prefix{address, static_cast<std::uint8_t>(random() % (address.bit_length() + 1))}.masked();
    std::erase_if(list, [&](const auto& entry) { return entry.first == prefix; });
    if (random() % 3 == 0) {
      table.erase(prefix);
    } else {
      table.set(prefix, step);
      list.emplace_back(prefix, step);
    }
    const IpAddress asked = draw_address();
    const std::pair<Prefix, int>* best = nullptr;
    for (const auto& entry : list) {
      if (!entry.first.contains(asked)) continue;
      if (best == nullptr || entry.first.length > best->first.length) best = &entry;
    }
    const int* found = table.find(asked);
    ASSERT_EQ(found != nullptr, best != nullptr);
    if (best != nullptr) {
      ASSERT_EQ(*found, best->second);
    }
  }
}

}  // namespace
}  // namespace aya
