#include "coord-server/commands/policy_diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace aya::coord {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(PolicyDiff, SeesNoneInOrderCommentsAndLayout) {
  EXPECT_THAT(
      policy_changes(
          R"({"groups": {"group:a": ["x@"]}, "acls": [1, 2]})",
          "{\n // ours\n \"acls\": [2, 1,],\n \"groups\": {\"group:a\": [\"x@\"]},\n}"),
      IsEmpty());
}

TEST(PolicyDiff, NamesWhatCameAndWhatWent) {
  EXPECT_THAT(
      policy_changes(
          R"({"groups": {"group:a": ["x@", "y@"], "group:b": []}, "acls": [1, 1]})",
          R"({"groups": {"group:a": ["x@"], "group:c": ["z@"]}, "acls": [1, 3], "tests": []})"),
      ElementsAre(
          "- acls 1", "+ acls 3", "- groups.group:a \"y@\"", "- groups.group:b []",
          "+ groups.group:c [\"z@\"]", "+ tests []"));
}

TEST(PolicyDiff, TakesWhatIsNoPolicyForAnEmptyOne) {
  EXPECT_THAT(policy_changes("{", R"({"a": 1})"), ElementsAre("+ a 1"));
  EXPECT_THAT(policy_changes("", ""), IsEmpty());
}

}  // namespace
}  // namespace aya::coord
