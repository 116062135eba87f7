// Flow logs in the store: nothing twice, everything in order, and nothing longer than it is to be
// kept.
#include <gmock/gmock.h>

#include "tests/coord-server/store/store_fixture.h"

namespace aya::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class FlowLogs : public StoreFixture {
 protected:
  FlowLogs() {
    make_account();
    web = *store->create_node(node("web", "100.64.0.1"), {}, audit());
  }

  FlowBatch batch(std::uint64_t first, std::size_t count, std::string run = "a1") {
    FlowBatch out{web.id, std::move(run), first, {}};
    for (std::size_t i = 0; i < count; ++i) {
      const auto number = static_cast<std::int64_t>(first + i);
      out.rows.push_back(
          {0, web.stable_id, logged, kNow + std::chrono::seconds(5 * number),
           "{\"n\":" + std::to_string(number) + pad + "}"});
    }
    return out;
  }
  std::vector<std::string> windows(FlowQuery query = {kNow, kNow + std::chrono::hours(24), ""}) {
    std::vector<std::string> out;
    EXPECT_TRUE(store->each_flow(
        account.id, query, [&](const FlowRow& row) { out.push_back(row.window); }));
    return out;
  }
  std::vector<std::string> after(std::int64_t number, std::size_t rows, std::size_t bytes) {
    std::vector<std::string> out;
    const auto found = store->flows_after(account.id, number, rows, bytes);
    EXPECT_TRUE(found);
    for (const FlowRow& row : *found) out.push_back(row.window);
    return out;
  }
  void prune(WallTime before, std::uint64_t most_bytes) {
    for (int pieces = 0;; ++pieces) {
      ASSERT_LT(pieces, 100);
      const auto more = store->prune_flows(before, most_bytes);
      ASSERT_TRUE(more) << more.error().to_text();
      if (!*more) return;
    }
  }

  NodeRecord web;
  WallTime logged = kNow;
  std::string pad;
};

TEST_F(FlowLogs, AreReadAsTheyWereWritten) {
  EXPECT_EQ(store->newest_flow(), 0);
  EXPECT_EQ(*store->add_flows(account.id, batch(0, 3)), 3u);
  open();
  EXPECT_EQ(store->newest_flow(), 3);
  std::vector<FlowRow> rows;
  ASSERT_TRUE(store->each_flow(
      account.id, {kNow, kNow + std::chrono::hours(1), ""},
      [&](const FlowRow& row) { rows.push_back(row); }));
  ASSERT_THAT(rows, SizeIs(3));
  EXPECT_EQ(
      rows[1],
      (FlowRow{2, web.stable_id, kNow, kNow + std::chrono::seconds(5), R"({"n":1})"}));
}

TEST_F(FlowLogs, ThatAreToldAgainAreNotThereTwice) {
  EXPECT_EQ(*store->add_flows(account.id, batch(0, 3)), 3u);
  EXPECT_EQ(*store->add_flows(account.id, batch(0, 3)), 0u);
  EXPECT_EQ(*store->add_flows(account.id, batch(1, 4)), 2u);
  open();
  EXPECT_EQ(*store->add_flows(account.id, batch(1, 4)), 0u);
  EXPECT_EQ(*store->add_flows(account.id, batch(9, 1)), 1u) << "what went there is gone";
  EXPECT_EQ(*store->add_flows(account.id, batch(0, 1, "b2")), 1u) << "another run of the program";
  EXPECT_THAT(windows(), SizeIs(7));
}

TEST_F(FlowLogs, AreFoundByTheBeginningOfTheirWindows) {
  ASSERT_TRUE(store->add_flows(account.id, batch(2, 2)));
  ASSERT_TRUE(store->add_flows(account.id, batch(0, 2, "b2")));
  EXPECT_THAT(
      windows(), ElementsAre(R"({"n":0})", R"({"n":1})", R"({"n":2})", R"({"n":3})"));
  const auto second = [](int number) { return kNow + std::chrono::seconds(number); };
  EXPECT_THAT(windows({second(5), second(15), ""}), ElementsAre(R"({"n":1})", R"({"n":2})"));
  EXPECT_THAT(windows({second(0), second(60), "nobody"}), IsEmpty());
  EXPECT_THAT(windows({second(0), second(60), web.stable_id}), SizeIs(4));
  const auto size = store->size_of_flows(account.id, {second(5), second(15), ""});
  EXPECT_EQ(size->rows, 2u);
  EXPECT_GT(size->bytes, 14u);
  EXPECT_EQ(store->size_of_flows(AccountId{4711}, {second(0), second(60), ""})->rows, 0u);
}

TEST_F(FlowLogs, AreReadOnInTheOrderOfTheirComing) {
  pad = ",\"p\":\"" + std::string(1000, 'x') + '"';
  ASSERT_TRUE(store->add_flows(account.id, batch(5, 2)));
  ASSERT_TRUE(store->add_flows(account.id, batch(0, 2, "b2")));
  EXPECT_THAT(after(0, 10, 1 << 20), SizeIs(4));
  EXPECT_THAT(after(2, 10, 1 << 20), SizeIs(2));
  EXPECT_THAT(after(0, 3, 1 << 20), SizeIs(3));
  EXPECT_THAT(after(0, 10, 1500), SizeIs(2)) << "the one that makes it too long, and no more";
  EXPECT_THAT(after(0, 10, 1), SizeIs(1)) << "but one at least";
  EXPECT_THAT(after(4, 10, 1 << 20), IsEmpty());
}

TEST_F(FlowLogs, GoWhenTheyAreTooOld) {
  ASSERT_TRUE(store->add_flows(account.id, batch(0, 700)));
  logged = kNow + std::chrono::hours(1);
  ASSERT_TRUE(store->add_flows(account.id, batch(700, 3)));
  EXPECT_FALSE(*store->prune_flows(kNow, 1u << 30)) << "none is older";
  EXPECT_TRUE(*store->prune_flows(kNow + std::chrono::minutes(1), 1u << 30)) << "a piece";
  EXPECT_EQ(windows().size(), 203u);
  prune(kNow + std::chrono::minutes(1), 1u << 30);
  EXPECT_THAT(windows(), SizeIs(3));
  prune(kNow + std::chrono::hours(2), 1u << 30);
  EXPECT_THAT(windows(), IsEmpty());
  open();
  EXPECT_EQ(store->newest_flow(), 703) << "numbers never come back";
  EXPECT_EQ(*store->add_flows(account.id, batch(703, 1)), 1u);
  EXPECT_EQ(store->newest_flow(), 704);
}

TEST_F(FlowLogs, GoWhenTheyAreTooMuchInTheirOwnNetwork) {
  pad = ",\"p\":\"" + std::string(900, 'x') + '"';
  ASSERT_TRUE(store->add_flows(account.id, batch(0, 100)));
  const Account first = account;
  make_account("other");
  const NodeRecord theirs = *store->create_node(node("db", "100.64.0.1"), {}, audit());
  FlowBatch few = batch(0, 5);
  few.node = theirs.id;
  ASSERT_TRUE(store->add_flows(account.id, few));
  prune(kNow - std::chrono::hours(1), 20'000);
  EXPECT_THAT(windows(), SizeIs(5)) << "of which there are few";
  account = first;
  EXPECT_THAT(windows(), SizeIs(testing::AllOf(testing::Ge(15u), testing::Le(20u))));
  EXPECT_LE(store->size_of_flows(account.id, {kNow, kNow + std::chrono::hours(1), ""})->bytes,
            20'000u);
}

TEST_F(FlowLogs, OutliveTheirNodeAndNotTheirNetwork) {
  ASSERT_TRUE(store->add_flows(account.id, batch(0, 3)));
  ASSERT_TRUE(store->delete_node(web.id, kNow, audit("DELETE")));
  EXPECT_THAT(windows(), SizeIs(3));
  ASSERT_TRUE(store->remove_account(account.id, audit("DELETE")));
  prune(kNow - std::chrono::hours(1), 1u << 30);
  EXPECT_THAT(windows(), IsEmpty());
  EXPECT_FALSE(*store->prune_flows(kNow, 1));
}

}  // namespace
}  // namespace aya::store
