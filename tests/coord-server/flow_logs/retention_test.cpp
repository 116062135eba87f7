#include "coord-server/flow_logs/retention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coord-server/store/sqlite_store.h"
#include "tests/support/temp_dir.h"

namespace aya::flow_logs {
namespace {

class Keeping : public testing::Test {
 protected:
  Keeping() {
    storage = std::move(*store::open_sqlite_store(dir.file("coord.db")));
    account = storage->create_account({{}, "default", "default.example", now})->id;
  }

  void tell(std::size_t count) {
    if (node.value == 0) make_node();
    store::FlowBatch batch{node, "a1", told, {}};
    for (std::size_t i = 0; i < count; ++i) batch.rows.push_back({0, "n1", now, now, "{}"});
    told += count;
    ASSERT_TRUE(storage->add_flows(account, batch));
  }
  void make_node() {
    store::AuditEntry entry;
    entry.account = account;
    entry.actor = "{}";
    const auto user =
        storage->create_user({{}, account, "alice", "Alice", "owner", now}, entry);
    store::NodeRecord record;
    record.account = account;
    record.user = user->id;
    record.stable_id = "n1";
    record.label = "web";
    record.ipv4 = *IpAddress::parse("100.64.0.1");
    record.ipv6 = *IpAddress::parse("fd7a:115c:a1e0::1");
    record.created = now;
    node = storage->create_node(record, {}, entry)->id;
  }
  std::uint64_t rows() {
    return storage->size_of_flows(account, {{}, now + std::chrono::hours(1), ""})->rows;
  }

  test::TempDir dir;
  WallTime now = *parse_rfc3339("2026-02-01T09:00:00Z");
  std::unique_ptr<store::Store> storage;
  store::AccountId account;
  store::NodeId node;
  std::uint64_t told = 0;
};

TEST_F(Keeping, LooksNowAndThenAndTakesPieces) {
  Retention retention(*storage, {std::chrono::days(1), 1u << 30});
  EXPECT_FALSE(retention.next_due()) << "there has never been anything";
  tell(1200);
  ASSERT_TRUE(retention.advance(now));
  EXPECT_EQ(retention.next_due(), now + Retention::kLookEvery);
  now += std::chrono::hours(25);
  ASSERT_TRUE(retention.advance(now));
  EXPECT_EQ(rows(), 700u);
  EXPECT_EQ(retention.next_due(), now + Retention::kNextPiece);
  ASSERT_TRUE(retention.advance(now));
  EXPECT_EQ(rows(), 700u) << "others have their turn first";
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(retention.advance(now += Retention::kNextPiece));
  EXPECT_EQ(rows(), 0u);
  EXPECT_EQ(retention.next_due(), now + Retention::kLookEvery);
}

TEST_F(Keeping, KeepsNoMoreBytesThanItMay) {
  Retention retention(*storage, {std::chrono::days(30), 10'000});
  tell(300);
  ASSERT_TRUE(retention.advance(now));
  EXPECT_LE(storage->size_of_flows(account, {{}, now + 1h, ""})->bytes, 10'000u);
  EXPECT_GT(rows(), 50u);
}

TEST_F(Keeping, GoesOnWhenTheCalendarIsSetBack) {
  Retention retention(*storage, {std::chrono::days(30), 10'000});
  tell(1);
  ASSERT_TRUE(retention.advance(now + std::chrono::hours(24 * 365)));
  tell(300);
  ASSERT_TRUE(retention.advance(now));
  EXPECT_LE(storage->size_of_flows(account, {{}, now + 1h, ""})->bytes, 10'000u);
}

}  // namespace
}  // namespace aya::flow_logs
