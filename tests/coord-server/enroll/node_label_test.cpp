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
    LabelCase{"リビングの箱", "xn--u9j3g3dwdzb8213f"},
    LabelCase{"リビング box", "xn---box-km4c1hzfxc"},
    LabelCase{"Bob's Büro.local", "xn--bobs-bro-c6a"},
    LabelCase{"箱。例", "node"},
    LabelCase{"📱 phone", "phone"},
    LabelCase{"\xff\xfe", "node"},
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
  const std::string box = label_from_host_name("リビングの箱");
  taken.insert(box);
  EXPECT_EQ(unused_label(box, is_taken), label_from_host_name("リビングの箱-1"));
  const std::string undecodable = "xn--" + std::string(59, 'z');
  taken.insert(undecodable);
  EXPECT_TRUE(is_label(unused_label(undecodable, is_taken)));
}

TEST(IsLabelFor, KnowsANumberFromAName) {
  EXPECT_TRUE(is_label_for("web", "web"));
  EXPECT_TRUE(is_label_for("web", "web-12"));
  EXPECT_FALSE(is_label_for("web", "web-"));
  EXPECT_FALSE(is_label_for("web", "web-1a"));
  EXPECT_FALSE(is_label_for("web", "web1"));
  const std::string box = label_from_host_name("リビングの箱");
  EXPECT_TRUE(is_label_for(box, label_from_host_name("リビングの箱-7")));
  EXPECT_FALSE(is_label_for(box, label_from_host_name("リビングの箱x")));
}

}  // namespace
}  // namespace aya::enroll
