// The state on disk: whole or not at all, nobody else's to read, and every failure with advice.
#include "daemon/state/state_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "tests/support/seeded_rng.h"
#include "tests/support/temp_dir.h"

namespace aya::state {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using Kind = StateError::Kind;

class StateStoreTest : public testing::Test {
 protected:
  static mode_t mode_of(const std::string& file) {
    struct stat info {};
    EXPECT_EQ(::lstat(file.c_str(), &info), 0) << file;
    return info.st_mode & 07777;
  }
  static std::string content(const std::string& file) {
    std::ifstream in(file);
    std::stringstream out;
    out << in.rdbuf();
    return out.str();
  }
  static void write(const std::string& file, const std::string& text) {
    std::ofstream(file) << text;
  }
  // Opens and closes; the machine's public key.
  MachinePublicKey visit() {
    const auto store = StateStore::open(path, rng);
    EXPECT_TRUE(store) << store.error().message();
    return store ? store->state().machine_key.public_key() : MachinePublicKey{};
  }
  StateError refusal() {
    const auto store = StateStore::open(path, rng);
    EXPECT_FALSE(store);
    return store ? StateError{} : store.error();
  }

  test::SeededRng rng;
  test::TempDir dir;
  std::string path = dir.file("state/ayatorid.state");
};

TEST_F(StateStoreTest, AFreshNodeMakesItsFolderItsKeyAndItsFileForNobodyElse) {
  ::umask(0);
  const auto key = visit();
  EXPECT_FALSE(key.is_zero());
  EXPECT_EQ(mode_of(path), 0600u);
  EXPECT_EQ(mode_of(dir.file("state")), 0700u);
  EXPECT_EQ(visit(), key);
}

TEST_F(StateStoreTest, AChangeIsOnDiskWhenUpdateReturnsAndLeavesNothingBesideIt) {
  {
    auto store = StateStore::open(path, rng);
    ASSERT_TRUE(store);
    ASSERT_TRUE(store->update([](NodeState& state) { state.node_id = "n1"; }));
    EXPECT_EQ(decode_node_state(content(path))->node_id, "n1");
    EXPECT_FALSE(fs::exists(path + ".new"));
  }
  EXPECT_EQ(StateStore::open(path, rng)->state().node_id, "n1");
}

TEST_F(StateStoreTest, WhatACrashLeftBehindIsInNobodysWay) {
  const auto key = visit();
  write(path + ".new", "half a fi");
  ::chmod((path + ".new").c_str(), 0666);
  EXPECT_EQ(visit(), key);
  auto store = StateStore::open(path, rng);
  ASSERT_TRUE(store->update([](NodeState& state) { state.node_id = "n1"; }));
  EXPECT_EQ(mode_of(path), 0600u);
}

TEST_F(StateStoreTest, ALinkPlantedForTheNextWriteIsNotFollowed) {
  visit();
  write(dir.file("precious"), "mine");
  fs::create_symlink(dir.file("precious"), path + ".new");
  ASSERT_TRUE(StateStore::open(path, rng)->update([](NodeState& state) { state.node_id = "n1"; }));
  EXPECT_EQ(content(dir.file("precious")), "mine");
}

TEST_F(StateStoreTest, AFileThatCannotBeReadIsKeptAndTheNextStartBeginsAfresh) {
  const auto first = visit();
  for (int n = 1; n <= 2; ++n) {
    write(path, "{\"version\":1, oh dear");
    const StateError error = refusal();
    const std::string kept = path + ".corrupt-" + std::to_string(n);
    EXPECT_EQ(error.kind, Kind::Corrupt);
    EXPECT_THAT(
        error.message(), AllOf(
                             HasSubstr(path), HasSubstr("kept as " + kept),
                             HasSubstr("start again to begin afresh and log in anew")));
    EXPECT_EQ(content(kept), "{\"version\":1, oh dear");
    EXPECT_FALSE(fs::exists(path));
    EXPECT_NE(visit(), first);
  }
}

TEST_F(StateStoreTest, AnEmptyFileIsNoFreshStart) {
  visit();
  write(path, "");
  EXPECT_EQ(refusal().kind, Kind::Corrupt);
}

TEST_F(StateStoreTest, AFileOfANewerVersionIsLeftWhereItIs) {
  visit();
  const std::string theirs = R"({"version":3,"keys":{}})";
  write(path, theirs);
  for (int start = 0; start < 2; ++start) {
    const StateError error = refusal();
    EXPECT_EQ(error.kind, Kind::Newer);
    EXPECT_THAT(
        error.message(), AllOf(HasSubstr(path), HasSubstr("newer ayatorid; start that one")));
    EXPECT_EQ(content(path), theirs);
  }
}

TEST_F(StateStoreTest, ASecondDaemonIsSentElsewhereUntilTheFirstIsGone) {
  {
    const auto first = StateStore::open(path, rng);
    const StateError error = refusal();
    EXPECT_EQ(error.kind, Kind::Busy);
    EXPECT_THAT(error.message(), AllOf(HasSubstr(path), HasSubstr("--statedir")));
  }
  visit();
}

TEST_F(StateStoreTest, AFolderThatOthersMayWriteToIsRefused) {
  visit();
  for (const mode_t mode : {0770u, 0707u, 01777u}) {
    ::chmod(dir.file("state").c_str(), mode);
    const StateError error = refusal();
    EXPECT_EQ(error.kind, Kind::NotPermitted) << mode;
    EXPECT_THAT(error.message(), HasSubstr("no other user may write to its folder"));
  }
  ::chmod(dir.file("state").c_str(), 0755);
  visit();
}

TEST_F(StateStoreTest, AFolderThatCannotBeMadeIsNamed) {
  write(dir.file("state"), "a file");
  const StateError error = refusal();
  EXPECT_EQ(error.kind, Kind::NoFolder);
  EXPECT_THAT(error.message(), AllOf(HasSubstr(dir.file("state")), HasSubstr("--statedir")));
}

TEST_F(StateStoreTest, AWriteThatStopsHalfwayChangesNothingHereOrOnDisk) {
  auto store = StateStore::open(path, rng);
  ASSERT_TRUE(store->update([](NodeState& state) { state.node_id = "before"; }));
  const std::string before = content(path);

  rlimit usual{};
  ::getrlimit(RLIMIT_FSIZE, &usual);
  const auto old_action = ::signal(SIGXFSZ, SIG_IGN);
  const rlimit tight{100, usual.rlim_max};  // shorter than any state
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tight), 0);
  const auto saved = store->update([](NodeState& state) { state.node_id = "after"; });
  ::setrlimit(RLIMIT_FSIZE, &usual);
  ::signal(SIGXFSZ, old_action);

  ASSERT_FALSE(saved);
  EXPECT_THAT(saved.error().message(), HasSubstr(path));
  EXPECT_EQ(store->state().node_id, "before");
  EXPECT_EQ(content(path), before);
  EXPECT_FALSE(fs::exists(path + ".new"));
  EXPECT_TRUE(store->update([](NodeState& state) { state.node_id = "after"; }));
}

// A small disk of its own, where this machine lets us.
class SmallDisk : public StateStoreTest {
 protected:
  void SetUp() override {
    fs::create_directory(at);
    if (::mount("tmpfs", at.c_str(), "tmpfs", 0, "size=16k,mode=0700") != 0) {
      GTEST_SKIP() << "no file system may be mounted here";
    }
    mounted = true;
    path = at + "/ayatorid.state";
  }
  void TearDown() override {
    if (mounted) ::umount2(at.c_str(), MNT_DETACH);
  }
  void fill() {
    std::ofstream out(at + "/ballast");
    const std::string block(4096, 'x');
    for (int i = 0; i < 8; ++i) out << block;
  }

  std::string at = dir.file("disk");
  bool mounted = false;
};

TEST_F(SmallDisk, ThatIsFullLosesNothingAndSaysSo) {
  auto store = StateStore::open(path, rng);
  ASSERT_TRUE(store) << store.error().message();
  const std::string before = content(path);
  fill();
  const auto saved = store->update([](NodeState& state) { state.node_id = "n1"; });
  ASSERT_FALSE(saved);
  EXPECT_EQ(saved.error().kind, Kind::DiskFull);
  EXPECT_EQ(
      saved.error().message(),
      "the disk is full: " + path + " was not changed; free some space and try again");
  EXPECT_EQ(content(path), before);
  EXPECT_EQ(store->state().node_id, "");
  fs::remove(at + "/ballast");
  EXPECT_TRUE(store->update([](NodeState& state) { state.node_id = "n1"; }));
}

TEST_F(SmallDisk, ThatIsFullFromTheBeginningIsNotTakenForAFreshStart) {
  fill();
  EXPECT_EQ(refusal().kind, Kind::DiskFull);
  fs::remove(at + "/ballast");
  visit();
}

TEST_F(SmallDisk, ThatIsReadOnlyIsSaidToBe) {
  visit();
  ASSERT_EQ(::mount("tmpfs", at.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, "size=16k"), 0);
  const StateError error = refusal();
  EXPECT_EQ(error.kind, Kind::ReadOnly);
  EXPECT_THAT(error.message(), HasSubstr("choose another folder with --statedir"));
}

}  // namespace
}  // namespace aya::state
