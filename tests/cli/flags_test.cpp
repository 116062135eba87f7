#include "cli/flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace aya::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Given : testing::Test {
  Given() {
    flags.boolean("json", json, "");
    flags.text("auth-key", key, "");
    flags.number("c", count, "");
    flags.duration("timeout", timeout, "");
    flags.alias("authkey", "auth-key");
    flags.unsupported({"qr"});
  }
  std::string error_of(const std::vector<std::string>& args) {
    const auto parsed = flags.parse(args);
    return parsed ? "" : parsed.error().text;
  }
  Flags flags;
  bool json = false;
  std::string key;
  std::uint64_t count = 0;
  Duration timeout{};
};

TEST_F(Given, OneOrTwoDashesValuesBothWaysAndFlagsAfterArguments) {
  const auto left =
      flags.parse({"-json", "bravo", "--auth-key=a=b", "-c", "3", "-timeout", "1m30s", "-"});
  ASSERT_TRUE(left);
  EXPECT_THAT(*left, ElementsAre("bravo", "-"));
  EXPECT_TRUE(json);
  EXPECT_EQ(key, "a=b");
  EXPECT_EQ(count, 3u);
  EXPECT_EQ(timeout, 90s);
  EXPECT_THAT(flags.order(), ElementsAre("json", "auth-key", "c", "timeout"));
}

TEST_F(Given, BooleansTakeNoNextWord) {
  const auto left = flags.parse({"--json", "false"});
  ASSERT_TRUE(left);
  EXPECT_TRUE(json);
  EXPECT_THAT(*left, ElementsAre("false"));
}

TEST_F(Given, BooleansCanBeFalse) {
  json = true;
  ASSERT_TRUE(flags.parse({"--json=F"}));
  EXPECT_FALSE(json);
  EXPECT_TRUE(flags.given("json"));
}

TEST_F(Given, TwoDashesEndThem) {
  const auto left = flags.parse({"--", "--json"});
  ASSERT_TRUE(left);
  EXPECT_THAT(*left, ElementsAre("--json"));
  EXPECT_FALSE(json);
}

TEST_F(Given, RefusesTwiceAlsoByAnotherName) {
  EXPECT_THAT(error_of({"--authkey=a", "--auth-key=b"}), HasSubstr("more than once"));
}

TEST_F(Given, RefusesWhatItCannotUse) {
  EXPECT_THAT(error_of({"--jso"}), HasSubstr("unknown flag --jso; did you mean --json?"));
  EXPECT_THAT(error_of({"--qr"}), HasSubstr("not supported yet"));
  EXPECT_THAT(error_of({"--json=maybe"}), HasSubstr("true or false"));
  EXPECT_THAT(error_of({"-c=-1"}), HasSubstr("a whole number"));
  EXPECT_THAT(error_of({"-c"}), HasSubstr("needs a value"));
}

TEST_F(Given, HelpIsNoError) {
  const auto parsed = flags.parse({"-h"});
  ASSERT_FALSE(parsed);
  EXPECT_TRUE(parsed.error().help);
}

}  // namespace
}  // namespace aya::cli
