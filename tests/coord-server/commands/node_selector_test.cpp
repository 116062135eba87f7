#include "coord-server/commands/node_selector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace aya::coord {
namespace {

const Json kDevices = Json::parse(R"([
  {"id":"1","nodeId":"nAaCNTRL","name":"web1.default.mesh","hostname":"web1",
   "addresses":["100.64.0.1","fd7a:115c:a1e0::1"]},
  {"id":"2","nodeId":"nAbCNTRL","name":"web2.default.mesh","hostname":"リビングの箱",
   "addresses":["100.64.0.2","fd7a:115c:a1e0::2"]},
  {"id":"3","nodeId":"nBcCNTRL","name":"web.default.mesh","hostname":"twin",
   "addresses":["100.64.0.3","fd7a:115c:a1e0::3"]},
  {"id":"4","nodeId":"nBdCNTRL","name":"2.default.mesh","hostname":"twin",
   "addresses":["100.64.0.4","fd7a:115c:a1e0::4"]},
  {"id":"5","nodeId":"nCaCNTRL","name":"xn--bcher-kva.default.mesh","hostname":"shelf",
   "addresses":["100.64.0.5","fd7a:115c:a1e0::5"]}
])");

struct SelectorCase {
  std::string wanted;
  std::string id;  // empty: none, or several
};
class SelectNode : public testing::TestWithParam<SelectorCase> {};

TEST_P(SelectNode, Finds) {
  const auto found = select_node(kDevices, GetParam().wanted);
  EXPECT_EQ(found ? text_at(*found, "id") : "", GetParam().id);
  if (!found) {
    EXPECT_EQ(found.error().code, Exit::NoSuchNode);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Rows, SelectNode,
    testing::Values(
        SelectorCase{"web1", "1"}, SelectorCase{"WEB1", "1"},
        SelectorCase{"web1.default.mesh", "1"}, SelectorCase{"web1.default.mesh.", "1"},
        SelectorCase{"bücher", "5"}, SelectorCase{"BÜCHER.default.mesh", "5"},
        SelectorCase{"100.64.0.2", "2"}, SelectorCase{"fd7a:115c:a1e0::3", "3"},
        SelectorCase{"nBcCNTRL", "3"},
        SelectorCase{"web", "3"},  // a whole name beats the beginning of others
        SelectorCase{"2", "4"},    // and a name beats a number
        SelectorCase{"1", "1"},    // which counts where nobody has that name
        SelectorCase{"リビングの箱", "2"}, SelectorCase{"nBd", "4"}, SelectorCase{"web2.d", "2"},
        SelectorCase{"twin", ""}, SelectorCase{"we", ""}, SelectorCase{"nA", ""},
        SelectorCase{"", ""}, SelectorCase{".", ""}, SelectorCase{"db", ""}));

TEST(SelectNode, ListsTheCandidates) {
  const auto found = select_node(kDevices, "nA");
  ASSERT_FALSE(found);
  EXPECT_THAT(
      found.error().text, testing::AllOf(
                              testing::HasSubstr("web1  100.64.0.1  nAaCNTRL"),
                              testing::HasSubstr("web2  100.64.0.2  nAbCNTRL"),
                              testing::Not(testing::HasSubstr("nBcCNTRL"))));
}

TEST(SelectNode, ShowsNobodysControlCharacters) {
  const auto found = select_node(kDevices, "\x1b[2J");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().text.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace aya::coord
