#include "coord-server/enroll/node_label.h"

#include <gtest/gtest.h>

#include <set>

namespace aya::enroll {
namespace {

struct LabelCase {
  std::string host_name;
  std::string label;
};
class LabelFromHostName : public testing::TestWithParam<LabelCase> {};

TEST_P(LabelFromHostName, Is) {
  EXPECT_EQ(label_from_host_name(GetParam().host_name), GetParam().label);
  EXPECT_TRUE(is_label(GetParam().label));
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(Rows, LabelFromHostName, testing::Values(
    LabelCase{"alpha", "alpha"},
    LabelCase{"ALPHA", "alpha"},
    LabelCase{"Bob's Laptop.local", "bobs-laptop"},
    LabelCase{"web1.example.com", "web1-example-com"},
    LabelCase{"router.lan", "router"},
    LabelCase{".local", "local"},
    LabelCase{"--a--b--", "a-b"},
    LabelCase{"a_b c", "a-b-c"},
    LabelCase{"", "node"},
    LabelCase{"...", "node"},
    LabelCase{"リビングの箱", "node"},
    LabelCase{"リビング box", "box"},
    LabelCase{std::string("a\0b", 3), "a-b"},
    LabelCase{std::string(62, 'x') + "-y", std::string(62, 'x')},
    LabelCase{std::string(300, 'x'), std::string(63, 'x')}));
// clang-format on

TEST(IsLabel, TakesOnlyWhatDnsTakes) {
  for (const char* good : {"a", "a-1", "0"}) EXPECT_TRUE(is_label(good)) << good;
  for (const char* bad : {"", "-a", "a-", "A", "a b", "a.b", "ä"}) EXPECT_FALSE(is_label(bad));
  EXPECT_FALSE(is_label(std::string(64, 'a')));
}

TEST(UnusedLabel, CountsUpUntilOneIsFree) {
  std::set<std::string, std::less<>> taken = {"web", "web-1"};
  const auto is_taken = [&](std::string_view label) { return taken.contains(label); };
  EXPECT_EQ(unused_label("db", is_taken), "db");
  EXPECT_EQ(unused_label("web", is_taken), "web-2");
  const std::string longest(63, 'x');
  taken.insert(longest);
  EXPECT_EQ(unused_label(longest, is_taken), std::string(61, 'x') + "-1");
}

}  // namespace
}  // namespace aya::enroll
