// A store in a folder of its own, with one account, one user, and ways to make more.
#pragma once

#include <gtest/gtest.h>

#include "coord-server/store/sqlite_store.h"
#include "proto/keys/private_key.h"
#include "tests/support/seeded_rng.h"
#include "tests/support/temp_dir.h"

namespace aya::store {

inline const WallTime kNow = *parse_rfc3339("2026-02-01T09:00:00Z");

struct StoreFixture : testing::Test {
  StoreFixture() { open(); }

  void open() {
    store.reset();
    auto opened = open_sqlite_store(dir.file("coord.db"));
    ASSERT_TRUE(opened) << opened.error().to_text();
    store = std::move(*opened);
  }

  AuditEntry audit(std::string action = "CREATE") {
    AuditEntry entry;
    entry.account = account.id;
    entry.time = kNow;
    entry.origin = "CONTROL";
    entry.actor = "{}";
    entry.action = std::move(action);
    entry.target_type = "NODE";
    return entry;
  }

  void make_account(const std::string& name = "default") {
    auto made = store->create_account({{}, name, name + ".example", kNow});
    ASSERT_TRUE(made);
    account = *made;
    auto owner = store->create_user({{}, account.id, "alice", "Alice", "owner", kNow}, audit());
    ASSERT_TRUE(owner) << owner.error().to_text();
    user = *owner;
  }

  NodeRecord node(const std::string& label, const std::string& ipv4) {
    NodeRecord record;
    record.account = account.id;
    record.user = user.id;
    record.stable_id = "n" + label + account.name + "CNTRL";
    record.machine = MachinePrivateKey::generate(rng).public_key();
    record.node_key = NodePrivateKey::generate(rng).public_key();
    record.label = label;
    record.ipv4 = *IpAddress::parse(ipv4);
    const auto low = rng.array<8>();
    std::array<std::byte, 16> v6{std::byte{0xfd}, std::byte{0x7a}, std::byte{0x11},
                                 std::byte{0x5c}, std::byte{0xa1}, std::byte{0xe0}};
    copy_bytes(std::span(v6).subspan(8), low);
    record.ipv6 = IpAddress::v6(v6);
    record.created = kNow;
    record.key_expiry = kNow + std::chrono::hours(24);
    return record;
  }

  // To another IPv4 address, the old one resting for a day.
  AddressChange move(const NodeRecord& node, const std::string& to) {
    AddressChange change;
    change.account = account.id;
    change.time = kNow;
    change.moves = {{node.id, node.ipv4, *IpAddress::parse(to)}};
    change.free_again = kNow + std::chrono::hours(24);
    return change;
  }

  AuthKey auth_key(const std::string& id, bool reusable) {
    AuthKey key;
    key.public_id = id;
    key.account = account.id;
    key.user = user.id;
    key.secret = rng.array<32>();
    key.reusable = reusable;
    key.created = kNow;
    key.expires = kNow + std::chrono::hours(1);
    auto made = store->create_auth_key(key, audit());
    EXPECT_TRUE(made);
    return *made;
  }

  test::TempDir dir;
  test::SeededRng rng;
  std::unique_ptr<Store> store;
  Account account;
  User user;
};

}  // namespace aya::store
