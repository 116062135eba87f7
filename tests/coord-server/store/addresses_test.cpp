// Addresses as the database keeps them: nobody shares one, whatever happens in memory.
#include "tests/coord-server/store/store_fixture.h"

namespace aya::store {
namespace {

using Kind = StoreError::Kind;

struct StoreAddresses : StoreFixture {
  StoreAddresses() { make_account(); }

  NodeRecord add(const std::string& label, const std::string& ipv4) {
    auto made = store->create_node(node(label, ipv4), {}, audit());
    EXPECT_TRUE(made) << made.error().to_text();
    return *made;
  }
  static IpAddress at(const char* text) { return *IpAddress::parse(text); }
  std::string ipv4_of(NodeId id) {
    const auto nodes = store->nodes();
    for (const NodeRecord& record : *nodes) {
      if (record.id == id) return record.ipv4.to_text();
    }
    return "gone";
  }
  AddressChange both(const NodeRecord& a, const NodeRecord& b) {
    AddressChange swap = move(a, b.ipv4.to_text());
    swap.moves.push_back({b.id, b.ipv4, a.ipv4});
    return swap;
  }
};

TEST_F(StoreAddresses, SwapsTwoAndLeavesNothingBehind) {
  const NodeRecord a = add("a", "100.64.0.1"), b = add("b", "100.64.0.2");
  ASSERT_TRUE(store->change_addresses(both(a, b), {audit("UPDATE"), audit("UPDATE")}));
  open();
  EXPECT_EQ(ipv4_of(a.id), "100.64.0.2");
  EXPECT_EQ(ipv4_of(b.id), "100.64.0.1");
  EXPECT_TRUE(store->quarantines(kNow)->empty()) << "neither address was left";
}

TEST_F(StoreAddresses, AppliesAPlanAsAWholeOrNotAtAll) {
  const NodeRecord a = add("a", "100.64.0.1"), b = add("b", "100.64.0.2");
  add("c", "100.64.0.3");
  AddressChange plan = both(a, b);
  plan.moves[1].to = at("100.64.0.3");  // somebody else's
  const std::size_t lines = store->audit_log(account.id, {}, 100)->size();
  auto refused = store->change_addresses(plan, {audit("UPDATE")});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Kind::Taken);
  EXPECT_EQ(ipv4_of(a.id), "100.64.0.1");
  EXPECT_EQ(ipv4_of(b.id), "100.64.0.2");
  EXPECT_EQ(store->audit_log(account.id, {}, 100)->size(), lines);
  EXPECT_EQ(*store->last_address_change(a.id, kNow), std::nullopt);
}

TEST_F(StoreAddresses, RefusesAMoveFromWhereTheNodeIsNot) {
  const NodeRecord a = add("a", "100.64.0.1");
  AddressChange stale = move(a, "100.64.0.9");
  stale.moves[0].from = at("100.64.0.7");
  auto refused = store->change_addresses(stale, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Kind::NotFound);
}

TEST_F(StoreAddresses, KeepsAFormerAddressForItsHolderAlone) {
  const NodeRecord a = add("a", "100.64.0.1"), b = add("b", "100.64.0.2");
  AddressChange change = move(a, "100.64.0.9");
  change.grace_until = kNow + std::chrono::hours(1);
  ASSERT_TRUE(store->change_addresses(change, {}));
  EXPECT_TRUE(store->quarantines(kNow)->empty()) << "it is still in use";
  open();
  ASSERT_EQ(store->nodes()->front().former.size(), 1u);
  EXPECT_EQ(store->nodes()->front().former[0].address.to_text(), "100.64.0.1");
  // Not by a move, not by a newcomer, and not as somebody's former address.
  auto moved = store->change_addresses(move(b, "100.64.0.1"), {});
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().kind, Kind::Taken);
  auto joined = store->create_node(node("c", "100.64.0.1"), {}, audit());
  ASSERT_FALSE(joined);
  EXPECT_EQ(joined.error().kind, Kind::Taken);

  ASSERT_TRUE(store->end_former_address(
      a.id, at("100.64.0.1"), kNow + std::chrono::hours(25), audit("UPDATE")));
  EXPECT_TRUE(store->nodes()->front().former.empty());
  ASSERT_EQ(store->quarantines(kNow)->size(), 1u);
}

TEST_F(StoreAddresses, LetsANodeReturnToWhereItStillAnswers) {
  const NodeRecord a = add("a", "100.64.0.1");
  AddressChange there = move(a, "100.64.0.9");
  there.grace_until = kNow + std::chrono::hours(1);
  ASSERT_TRUE(store->change_addresses(there, {}));
  AddressChange back = there;
  back.moves = {{a.id, at("100.64.0.9"), at("100.64.0.1")}};
  ASSERT_TRUE(store->change_addresses(back, {}));
  const NodeRecord now = store->nodes()->front();
  EXPECT_EQ(now.ipv4.to_text(), "100.64.0.1");
  ASSERT_EQ(now.former.size(), 1u);
  EXPECT_EQ(now.former[0].address.to_text(), "100.64.0.9");
}

TEST_F(StoreAddresses, RemembersTheLastChangeForADay) {
  const NodeRecord a = add("a", "100.64.0.1"), b = add("b", "100.64.0.2");
  ASSERT_TRUE(store->change_addresses(both(a, b), {}));
  open();
  const auto last = store->last_address_change(b.id, kNow + std::chrono::hours(23));
  ASSERT_TRUE(last && *last);
  EXPECT_EQ((*last)->moves.size(), 2u);
  EXPECT_EQ(*store->last_address_change(b.id, kNow + std::chrono::hours(25)), std::nullopt);
}

TEST_F(StoreAddresses, KeepsAnAddressForTheMachineThatComesWithAKey) {
  AuthKey wish;
  wish.public_id = "kOne";
  wish.account = account.id;
  wish.user = user.id;
  wish.created = kNow;
  wish.expires = kNow + std::chrono::hours(1);
  wish.ipv4 = at("100.80.0.7");
  const AuthKey key = *store->create_auth_key(wish, audit());
  open();
  EXPECT_EQ((*store->auth_key("kOne"))->ipv4, at("100.80.0.7"));
  ASSERT_EQ(store->reservations(account.id, kNow)->size(), 1u);
  EXPECT_TRUE(store->reservations(account.id, kNow + std::chrono::hours(2))->empty());
  ASSERT_TRUE(store->create_node(node("a", "100.80.0.7"), key.id, audit()));
  EXPECT_TRUE(store->reservations(account.id, kNow)->empty()) << "the key is spent";
}

TEST_F(StoreAddresses, QuarantinesAllAddressesOfARemovedNode) {
  const NodeRecord a = add("a", "100.64.0.1");
  AddressChange change = move(a, "100.64.0.9");
  change.grace_until = kNow + std::chrono::hours(1);
  ASSERT_TRUE(store->change_addresses(change, {}));
  ASSERT_TRUE(store->delete_node(a.id, kNow + std::chrono::hours(24), audit("DELETE")));
  EXPECT_EQ(store->quarantines(kNow)->size(), 3u);
  EXPECT_TRUE(store->former_addresses()->empty());
}

}  // namespace
}  // namespace aya::store
