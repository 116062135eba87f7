#include "cli/text.h"

#include <gtest/gtest.h>

namespace aya::cli {
namespace {

struct Row {
  Duration duration;
  const char* text;
};
class GoDurations : public testing::TestWithParam<Row> {};

TEST_P(GoDurations, PrintAndParse) {
  EXPECT_EQ(go_duration(GetParam().duration), GetParam().text);
  EXPECT_EQ(parse_go_duration(GetParam().text), GetParam().duration);
}
INSTANTIATE_TEST_SUITE_P(
    Text, GoDurations,
    testing::Values(
        Row{0s, "0s"}, Row{1ns, "1ns"}, Row{1500ns, "1.5µs"}, Row{200us, "200µs"}, Row{4ms, "4ms"},
        Row{1500ms, "1.5s"}, Row{90s, "1m30s"}, Row{3600s, "1h0m0s"}, Row{-5s, "-5s"}));

TEST(GoDuration, RefusesWhatIsNone) {
  for (const char* text : {"", "5", "s", "5x", "1.2.3s", "-", "99999999999h", "nan", "1e9s"}) {
    EXPECT_FALSE(parse_go_duration(text)) << text;
  }
  EXPECT_EQ(parse_go_duration("1.5h"), 5400s);
  EXPECT_EQ(parse_go_duration("1.001s"), 1001ms);
  EXPECT_EQ(parse_go_duration(".5s"), 500ms);
}

TEST(GoDuration, RoundsHalfUp) {
  EXPECT_EQ(go_duration_rounded(12'500us, 1ms), "13ms");
  EXPECT_EQ(go_duration_rounded(300us, 1ms), "0s");
}

TEST(Printable, KeepsScriptsAndShowsWhatWouldActOnTheTerminal) {
  EXPECT_EQ(printable("リビング ü"), "リビング ü");
  EXPECT_EQ(printable("a\x1b[31m\nb\u202ec\x7f"), "a\\x1b[31m\\nb\\u202ec\\x7f");
  EXPECT_EQ(printable("\u061c\u2066"), "\\u061c\\u2066");
  EXPECT_EQ(printable("\xff\xc0\x80"), "\\xff\\xc0\\x80");
  EXPECT_EQ(printable_lines("a\n\tb\r"), "a\n\tb\\r");
}

TEST(Table, PadsByCharactersAndTheLastColumnToo) {
  EXPECT_EQ(table({{"a", "リビ"}, {"bcd", "x"}}), "a    リビ  \nbcd  x   \n");
}

TEST(Nearest, GuessesOnlyWhenSomethingIsNear) {
  EXPECT_EQ(nearest("statsu", {"status", "set"}), "status");
  EXPECT_FALSE(nearest("zebra", {"status", "set"}));
}

}  // namespace
}  // namespace aya::cli
