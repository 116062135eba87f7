#include "coord-server/hujson/hujson.h"

#include <gtest/gtest.h>

namespace aya::hujson {
namespace {

struct Row {
  const char* text;
  const char* json;  // what it means
};

class Parses : public testing::TestWithParam<Row> {};

TEST_P(Parses, AndMeansTheSameWithoutComments) {
  const auto value = parse(GetParam().text);
  ASSERT_TRUE(value.has_value()) << value.error().to_text();
  EXPECT_EQ(to_json(*value), GetParam().json);
  const std::string bare = without_comments(GetParam().text);
  EXPECT_EQ(bare.size(), std::string_view(GetParam().text).size());
  const auto again = parse(bare);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(to_json(*again), GetParam().json);
}

INSTANTIATE_TEST_SUITE_P(
    HuJson, Parses,
    testing::Values(
        Row{" null ", "null"}, Row{"[1, -2.5e3,]", "[1,-2.5e3]"},
        Row{"{\"b\": 1, /* why */ \"a\": [],}", "{\"a\":[],\"b\":1}"},
        Row{"// first\n[true] // last", "[true]"}, Row{"{ }", "{}"},
        Row{"\"\\u00e4\\ud83d\\ude80\\n\"", "\"ä🚀\\u000a\""},
        Row{"\"\\ud800x\"", "\"\xef\xbf\xbdx\""}, Row{"\"// no comment\"", "\"// no comment\""},
        Row{"{\"a\":1,\"a\":2}", "{\"a\":2}"}));

struct BadRow {
  const char* text;
  const char* error;
};

class Refuses : public testing::TestWithParam<BadRow> {};

TEST_P(Refuses, AndSaysWhere) {
  const auto value = parse(GetParam().text);
  ASSERT_FALSE(value.has_value());
  EXPECT_EQ(value.error().to_text(), GetParam().error);
}

INSTANTIATE_TEST_SUITE_P(
    HuJson, Refuses,
    testing::Values(
        BadRow{"", "unexpected end, want a value: line 1, column 1"},
        BadRow{"{\n  \"a\": 1\n  \"b\": 2\n}", "want ',' or '}': line 3, column 3"},
        BadRow{"[1,,2]", "want a value: line 1, column 4"},
        BadRow{"/* a\nb */ x", "want a value: line 2, column 6"},
        BadRow{"// a\n/* b", "comment without an end: line 2, column 1"},
        BadRow{"{a: 1}", "want a name in quotes: line 1, column 2"},
        BadRow{"{,}", "want a name in quotes: line 1, column 2"},
        BadRow{"01", "unexpected text after the end of the value: line 1, column 2"},
        BadRow{"\"\\x\"", "unknown escape in a string: line 1, column 3"},
        BadRow{"\"\xff\"", "not valid UTF-8: line 1, column 2"},
        BadRow{"[1] 2", "unexpected text after the end of the value: line 1, column 5"}));

TEST(HuJson, RefusesWhatIsNestedTooDeeply) {
  EXPECT_FALSE(parse(std::string(1000, '[')).has_value());
  EXPECT_TRUE(parse(std::string(kDeepest - 1, '[') + std::string(kDeepest - 1, ']')).has_value());
}

TEST(HuJson, KnowsWhereEachValueStands) {
  const auto value = parse("{\n  // here\n  \"a\": [\n    7]}");
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(value->members[0].at, (Position{3, 3}));
  EXPECT_EQ(value->members[0].value.items[0].at, (Position{4, 5}));
}

}  // namespace
}  // namespace aya::hujson
