#include "coord-server/commands/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coord-server/commands/verbs.h"

namespace aya::coord {
namespace {

using testing::ElementsAre;

const std::vector<OptionKind> kKnown = {
    {"claim", true, true}, {"dir", true}, {"json", false}, {"q", false}};

CommandLine parsed(const std::vector<std::string>& arguments) {
  auto line = parse_command_line(arguments, kKnown);
  EXPECT_TRUE(line) << line.error().text;
  return line ? *line : CommandLine{};
}

std::string refused(const std::vector<std::string>& arguments) {
  auto line = parse_command_line(arguments, kKnown);
  EXPECT_FALSE(line);
  if (line) return "";
  EXPECT_EQ(line.error().code, Exit::Usage);
  return line.error().text;
}

TEST(CommandLine, TakesOptionsAnywhere) {
  const CommandLine line = parsed({"--dir", "/x", "node", "ls", "--json", "alpha", "-q"});
  EXPECT_THAT(line.words, ElementsAre("node", "ls", "alpha"));
  EXPECT_EQ(line.get("dir"), "/x");
  EXPECT_TRUE(line.has("json"));
  EXPECT_TRUE(line.has("q"));
}

TEST(CommandLine, TakesOneOrTwoDashesAndEqualSigns) {
  EXPECT_EQ(parsed({"-dir=/x"}).get("dir"), "/x");
  EXPECT_EQ(parsed({"--dir=a=b"}).get("dir"), "a=b");
  EXPECT_EQ(parsed({"--dir="}).get("dir", "other"), "");
  EXPECT_TRUE(parsed({"--json=true"}).has("json"));
  EXPECT_FALSE(parsed({"--json=false"}).has("json"));
}

TEST(CommandLine, EndsOptionsAtTwoDashes) {
  EXPECT_THAT(
      parsed({"node", "show", "--", "--json"}).words, ElementsAre("node", "show", "--json"));
  EXPECT_THAT(parsed({"-"}).words, ElementsAre("-"));
}

TEST(CommandLine, RefusesWhatItDoesNotUnderstand) {
  EXPECT_EQ(refused({"--colour"}), "unknown option --colour");
  EXPECT_EQ(refused({"--dir"}), "--dir wants a value");
  EXPECT_EQ(refused({"--json=maybe"}), "--json is true or false");
  EXPECT_EQ(refused({"--dir=a", "--dir=b"}), "--dir is given twice");
}

TEST(CommandLine, FewOptionsMayBeGivenSeveralTimes) {
  auto line = parse_command_line({"x", "--claim", "a=1", "--q", "--claim=b=2"}, kKnown);
  ASSERT_TRUE(line);
  EXPECT_EQ(line->get("claim"), "a=1\nb=2");
}

struct DurationCase {
  std::string text;
  std::int64_t seconds;  // 0: refused
};
class ParseDuration : public testing::TestWithParam<DurationCase> {};

TEST_P(ParseDuration, Is) {
  const auto parsed = parse_duration(GetParam().text);
  EXPECT_EQ(parsed ? parsed->count() : 0, GetParam().seconds);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, ParseDuration,
    testing::Values(
        DurationCase{"30m", 1800}, DurationCase{"24h", 86400}, DurationCase{"90d", 7776000},
        DurationCase{"1d12h", 129600}, DurationCase{"2w", 1209600}, DurationCase{"", 0},
        DurationCase{"0s", 0}, DurationCase{"7", 0}, DurationCase{"-1h", 0}, DurationCase{"h", 0},
        DurationCase{"1h ", 0}, DurationCase{"1y", 0}, DurationCase{"999999999999999w", 0},
        DurationCase{"99999999999999999999s", 0}));

TEST(Verbs, HaveNamesOfTheirOwn) {
  std::set<std::string_view> names;
  for (const Verb& verb : verbs()) EXPECT_TRUE(names.insert(verb.name).second) << verb.name;
}

}  // namespace
}  // namespace aya::coord
