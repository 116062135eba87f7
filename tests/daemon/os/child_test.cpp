#include "daemon/os/child.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace aya::os {
namespace {

ChildOutcome shell(const std::string& script, std::string input = {}, Duration limit = 10s) {
  const auto found = find_program("sh");
  EXPECT_TRUE(found);
  const auto done = run_child({*found, {"-c", script}, std::move(input), limit});
  EXPECT_TRUE(done);
  return *done;
}

TEST(Child, GivesInputAndReturnsBothOutputsAndTheStatus) {
  const auto done = shell("cat; echo no good >&2; exit 3", "hello\n");
  EXPECT_EQ(done.out, "hello\n");
  EXPECT_EQ(done.err, "no good\n");
  EXPECT_EQ(done.exit_status, 3);
  EXPECT_FALSE(done.succeeded());
  EXPECT_EQ(done.complaint(), "no good");
}

TEST(Child, InheritsNothingOfOurEnvironment) {
  ::setenv("LD_PRELOAD_OF_SOMEBODY", "evil", 1);
  const auto done = shell("/usr/bin/env");
  EXPECT_THAT(done.out, testing::HasSubstr("PATH=/usr/sbin:/usr/bin:/sbin:/bin\n"));
  EXPECT_THAT(done.out, testing::Not(testing::HasSubstr("SOMEBODY")));
}

TEST(Child, IsKilledWithItsChildrenWhenItTakesTooLong) {
  const auto done = shell("sleep 100 | sleep 100", {}, 50ms);
  EXPECT_TRUE(done.timed_out);
  EXPECT_EQ(done.exit_status, 128 + 9);
  EXPECT_EQ(done.complaint(), "no answer in time");
}

TEST(Child, OneThatReadsNoInputEndsNobody) {
  const auto done = shell("exec 0<&-; exit 0", std::string(1 << 20, 'x'));
  EXPECT_TRUE(done.succeeded());
}

TEST(Child, OutputLongerThanAPipeIsRead) {
  const auto done = shell("head -c 300000 /dev/zero");
  EXPECT_EQ(done.out.size(), 300000u);
}

// As a service's start script does it: what runs on holds our pipe open.
TEST(Child, ItsEndCountsNotThatOfWhatItLeavesRunning) {
  const auto done = shell("sleep 100 & echo $!", {}, 60s);
  EXPECT_TRUE(done.succeeded());
  EXPECT_TRUE(shell("kill " + done.out).succeeded());
}

TEST(Child, ThatCannotBeStartedIsAnError) {
  EXPECT_EQ(find_program("no-such-program-here"), std::nullopt);
  const auto done = run_child({"/no/such/program", {}, {}, 1s});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message(), "run /no/such/program: No such file or directory");
}

}  // namespace
}  // namespace aya::os
