// A process that dies after a call has returned has not lost what the call promised.
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/coord-server/store/store_fixture.h"

namespace aya::store {
namespace {

using StoreCrash = StoreFixture;

// Runs `work` in a child that kills itself right after, without closing anything.
void run_and_die(const std::function<bool()>& work) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (!work()) ::_exit(1);
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status)) << "the work itself failed";
}

TEST_F(StoreCrash, KeepsAnAddressEditThatWasAcknowledged) {
  make_account();
  auto made = store->create_node(node("a", "100.64.0.1"), {}, audit());
  store.reset();
  run_and_die([&] {
    auto child = open_sqlite_store(dir.file("coord.db"));
    return child && (*child)->change_addresses(move(*made, "100.80.0.1"), {audit("UPDATE")});
  });
  open();
  EXPECT_EQ(store->nodes()->front().ipv4.to_text(), "100.80.0.1");
}

TEST_F(StoreCrash, KeepsEachOfManyNodesAndSpendsEachKeyOnce) {
  make_account();
  store.reset();
  run_and_die([&] {
    auto child = open_sqlite_store(dir.file("coord.db"));
    if (!child) return false;
    store = std::move(*child);
    for (int i = 1; i <= 50; ++i) {
      const AuthKey key = auth_key("k" + std::to_string(i), false);
      const std::string number = std::to_string(i);
      if (!store->create_node(node("n" + number, "100.64.0." + number), key.id, audit())) {
        return false;
      }
    }
    return true;
  });
  open();
  EXPECT_EQ(store->nodes()->size(), 50u);
  const auto keys = store->auth_keys(account.id);
  ASSERT_EQ(keys->size(), 50u);
  for (const AuthKey& key : *keys) EXPECT_TRUE(key.spent());
}

TEST_F(StoreCrash, SaysThatTheDiskIsFullAndWorksAgainWhenItIsNot) {
  make_account();
  // The limit on file size stands in for the disk: writing past it fails like a full one.
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit none{4096, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &none), 0);
  auto refused = store->create_node(node("a", "100.64.0.1"), {}, audit());
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(store->nodes()->empty());
  EXPECT_TRUE(store->create_node(node("a", "100.64.0.1"), {}, audit()));
}

}  // namespace
}  // namespace aya::store
