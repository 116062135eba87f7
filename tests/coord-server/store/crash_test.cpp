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

TEST_F(StoreCrash, KeepsAServiceThatWasAcknowledged) {
  make_account();
  Service web;
  web.account = account.id;
  web.name = "svc:web";
  web.ipv4 = *IpAddress::parse("100.90.0.1");
  web.ipv6 = *IpAddress::parse("fd7a:115c:a1e0::1");
  store.reset();
  run_and_die([&] {
    auto child = open_sqlite_store(dir.file("coord.db"));
    if (!child || !(*child)->create_service(web, audit())) return false;
    web.ipv4 = *IpAddress::parse("100.90.0.2");
    return (*child)->update_service(web, kNow + std::chrono::hours(1), audit()).has_value();
  });
  open();
  EXPECT_EQ(store->services()->at(0).ipv4.to_text(), "100.90.0.2");
}

TEST_F(StoreCrash, KeepsAShareThatWasAcknowledgedAndTheAddressesItNeeds) {
  make_account("other");
  const Account guests = account;
  const User guest = user;
  make_account();
  const NodeRecord device = *store->create_node(node("web", "100.64.0.1"), {}, audit());
  DeviceInvite invite;
  invite.account = account.id;
  invite.device = device.id;
  invite.sharer = user.id;
  invite.nonce = rng.array<32>();
  invite.created = kNow;
  invite.expires = kNow + std::chrono::hours(1);
  store.reset();
  run_and_die([&] {
    auto child = open_sqlite_store(dir.file("coord.db"));
    if (!child) return false;
    auto made = (*child)->create_device_invites({invite}, {audit()});
    if (!made) return false;
    const Share share{made->front().id, device.id, guests.id, guest.id, true, kNow};
    return (*child)->accept_device_invite(share, {audit("ACCEPT")}) &&
           (*child)->change_aliases({{guests.id, device.id, device.ipv4}}, {}, kNow);
  });
  open();
  ASSERT_EQ(store->shares()->size(), 1u);
  const Share kept = store->shares()->front();
  EXPECT_EQ(kept.account, guests.id);
  EXPECT_TRUE(kept.allow_exit_node);
  ASSERT_EQ(store->aliases()->size(), 1u);
  EXPECT_EQ(store->aliases()->front().ipv4, device.ipv4);
  const auto again = store->accept_device_invite(kept, {audit("ACCEPT")});
  ASSERT_FALSE(again) << "good for one";
  EXPECT_EQ(again.error().kind, StoreError::Kind::Spent);

  // A machine of the guests' own does not get the address, and the share goes with the device.
  const Account here = std::exchange(account, guests);
  user = guest;
  EXPECT_EQ(
      store->create_node(node("mine", "100.64.0.1"), {}, audit()).error().kind,
      StoreError::Kind::Taken);
  account = here;
  ASSERT_TRUE(store->delete_node(device.id, kNow, audit("DELETE")));
  EXPECT_TRUE(store->shares()->empty());
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
  const auto walk = store->check_audit(account.id, 0, 1000);
  EXPECT_EQ(walk->lines, 101u);  // with the owner
  EXPECT_TRUE(walk->faults.empty());
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
