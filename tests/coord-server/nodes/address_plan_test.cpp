// What may move where, and what a move breaks.
#include "coord-server/nodes/address_plan.h"

#include "coord-server/nodes/address_allocator.h"
#include "coord-server/nodes/address_breaks.h"
#include "tests/coord-server/store/store_fixture.h"

namespace aya::nodes {
namespace {

using store::kNow;

struct AddressPlanTest : store::StoreFixture {
  AddressPlanTest() {
    make_account();
    auto loaded = Registry::load(*store, kNow);
    EXPECT_TRUE(loaded);
    registry = std::move(*loaded);
    options.now = kNow;
  }
  NodeId add(const std::string& label, const std::string& ipv4) {
    auto added = registry->admit(node(label, ipv4), {}, audit());
    EXPECT_TRUE(added) << added.error().to_text();
    return (*added)->id();
  }
  static AddressWish wish(NodeId node, const char* to) { return {node, *IpAddress::parse(to)}; }
  CheckedPlan check(const std::vector<AddressWish>& wishes) {
    return check_plan(*registry, account.id, wishes, options);
  }
  // The texts of all refusals.
  std::vector<std::string> refusals(const std::vector<AddressWish>& wishes) {
    std::vector<std::string> out;
    for (const PlanRefusal& one : check(wishes).refusals) out.push_back(one.text);
    return out;
  }
  void carry_out(const std::vector<AddressWish>& wishes) {
    const auto plan = check(wishes);
    ASSERT_TRUE(plan.refusals.empty());
    ASSERT_TRUE(registry->change_addresses(plan.change, {audit("UPDATE")}));
  }

  std::unique_ptr<Registry> registry;
  PlanOptions options;
};

using Texts = std::vector<std::string>;

TEST_F(AddressPlanTest, LetsAddressesGoRound) {
  const NodeId a = add("a", "100.64.0.1"), b = add("b", "100.64.0.2"), c = add("c", "100.64.0.3");
  carry_out({wish(a, "100.64.0.2"), wish(b, "100.64.0.3"), wish(c, "100.64.0.1")});
  EXPECT_EQ(registry->find_address(account.id, *IpAddress::parse("100.64.0.1"))->id(), c);
  EXPECT_EQ(registry->find_address(account.id, *IpAddress::parse("100.64.0.2"))->id(), a);
  EXPECT_EQ(registry->find_address(account.id, *IpAddress::parse("100.64.0.3"))->id(), b);
}

TEST_F(AddressPlanTest, NamesEveryLineThatCannotBe) {
  const NodeId a = add("a", "100.64.0.1"), b = add("b", "100.64.0.2");
  add("c", "100.64.0.3");
  EXPECT_EQ(
      refusals({wish(a, "100.64.0.3"), wish(b, "10.0.0.1")}),
      (Texts{
          "100.64.0.3 is already assigned to \"c\"",
          "\"10.0.0.1\": not within the account range 100.64.0.0/10"}));
  EXPECT_EQ(
      refusals({wish(a, "100.100.100.100")}),
      Texts{"\"100.100.100.100\": address within reserved range"});
  EXPECT_EQ(refusals({wish(a, "100.64.0.8"), wish(b, "100.64.0.8")}).size(), 2u);
  EXPECT_EQ(refusals({wish(a, "100.64.0.8"), wish(a, "100.64.0.9")}).size(), 2u);
}

TEST_F(AddressPlanTest, DoesNotTakeAnAddressThatItsHolderKeeps) {
  const NodeId a = add("a", "100.64.0.1"), b = add("b", "100.64.0.2");
  EXPECT_EQ(
      refusals({wish(a, "100.64.0.2"), wish(b, "100.64.0.2")}).size(), 2u);  // b wishes no change
  EXPECT_TRUE(check({wish(a, "100.64.0.1")}).change.moves.empty()) << "it has it";
}

TEST_F(AddressPlanTest, RespectsQuarantineUnlessForcedAndNeverForTheFormerHolder) {
  const NodeId a = add("a", "100.64.0.1"), b = add("b", "100.64.0.2");
  carry_out({wish(a, "100.64.0.9")});
  EXPECT_EQ(refusals({wish(b, "100.64.0.1")}).size(), 1u);
  EXPECT_TRUE(refusals({wish(a, "100.64.0.1")}).empty());
  options.now = kNow + 25h;
  EXPECT_TRUE(refusals({wish(b, "100.64.0.1")}).empty());
  options.now = kNow;
  options.force = true;
  EXPECT_TRUE(refusals({wish(b, "100.64.0.1")}).empty());
}

TEST_F(AddressPlanTest, KeepsReservedAddresses) {
  const NodeId a = add("a", "100.64.0.1");
  options.reservations = {{"kOne", *IpAddress::parse("100.80.0.7")}};
  options.force = true;  // is about quarantine alone
  EXPECT_EQ(refusals({wish(a, "100.80.0.7")}), Texts{"100.80.0.7 is reserved by auth key kOne"});
  EXPECT_TRUE(refuse_reservation(*registry, account.id, *IpAddress::parse("100.80.0.7"), options));
  EXPECT_TRUE(refuse_reservation(*registry, account.id, *IpAddress::parse("100.64.0.1"), options));
  EXPECT_FALSE(refuse_reservation(*registry, account.id, *IpAddress::parse("100.80.0.8"), options));
}

TEST_F(AddressPlanTest, AnswersAtBothAddressesUntilTheGraceIsOver) {
  const NodeId a = add("a", "100.64.0.1"), b = add("b", "100.64.0.2");
  options.grace_until = kNow + 1h;
  carry_out({wish(a, "100.64.0.9")});
  EXPECT_EQ(registry->find_address(account.id, *IpAddress::parse("100.64.0.1"))->id(), a);
  EXPECT_EQ(refusals({wish(b, "100.64.0.1")}), Texts{"100.64.0.1 is still answered at by \"a\""});
  EXPECT_FALSE(registry->overdue_former(kNow + 59min));
  const auto overdue = registry->overdue_former(kNow + 1h);
  ASSERT_TRUE(overdue);
  ASSERT_TRUE(registry->end_former(*overdue, kNow + 1h, audit("UPDATE")));
  EXPECT_EQ(registry->find_address(account.id, *IpAddress::parse("100.64.0.1")), nullptr);
  EXPECT_EQ(registry->quarantined_for(account.id, *IpAddress::parse("100.64.0.1"), kNow + 2h), a);
  EXPECT_FALSE(registry->next_former_end());
}

TEST_F(AddressPlanTest, GivesNoGraceForAnAddressThatGoesToAnother) {
  const NodeId a = add("a", "100.64.0.1"), b = add("b", "100.64.0.2");
  options.grace_until = kNow + 1h;
  EXPECT_EQ(refusals({wish(a, "100.64.0.2"), wish(b, "100.64.0.1")}).size(), 2u);
}

TEST_F(AddressPlanTest, ChangesIPv6Alone) {
  const NodeId a = add("a", "100.64.0.1"), b = add("b", "100.64.0.2");
  carry_out({wish(a, "fd7a:115c:a1e0:1::7")});
  EXPECT_EQ(registry->find(a)->record.ipv4.to_text(), "100.64.0.1");
  EXPECT_EQ(registry->find(a)->record.ipv6.to_text(), "fd7a:115c:a1e0:1::7");
  EXPECT_EQ(
      refusals({wish(b, "fd7a:115c:a1e0:1::7")}),
      Texts{"fd7a:115c:a1e0:1::7 is already assigned to \"a\""});
  EXPECT_EQ(refusals({wish(b, "fd7a:115c:a1e0::53")}).size(), 1u);
  EXPECT_EQ(refusals({wish(b, "2001:db8::1")}).size(), 1u);
}

TEST_F(AddressPlanTest, UndoesAWholeSwapUnlessOneOfThemMovedOn) {
  const NodeId a = add("a", "100.64.0.1"), b = add("b", "100.64.0.2");
  carry_out({wish(a, "100.64.0.2"), wish(b, "100.64.0.1")});
  const auto swap = **store->last_address_change(a, kNow);
  ASSERT_TRUE(stands_as_left(*registry, swap));
  carry_out(wishes_to_undo(swap));
  EXPECT_EQ(registry->find(a)->record.ipv4.to_text(), "100.64.0.1");
  EXPECT_EQ(registry->find(b)->record.ipv4.to_text(), "100.64.0.2");
  EXPECT_FALSE(stands_as_left(*registry, swap));
}

TEST(AddressLiterals, AreFoundWholeAndOnTheirLines) {
  const std::string policy =
      "{\n"
      "  \"hosts\": {\"db\": \"100.64.0.1\", \"net\": \"100.64.0.10/32\"},\n"
      "  // 100.64.0.1 was the printer\n"
      "  \"acls\": [{\"dst\": [\"100.64.0.1:22\", \"fd7a:115c:a1e0::5\"]}],\n"
      "  \"x\": \"1100.64.0.1\"\n"
      "}";
  using Lines = std::vector<std::size_t>;
  EXPECT_EQ(lines_with(policy, *IpAddress::parse("100.64.0.1")), (Lines{2, 3, 4}));
  EXPECT_EQ(lines_with(policy, *IpAddress::parse("100.64.0.10")), Lines{2});
  EXPECT_EQ(lines_with(policy, *IpAddress::parse("fd7a:115c:a1e0::5")), Lines{4});
  EXPECT_EQ(lines_with(policy, *IpAddress::parse("100.64.0.2")), Lines{});
}

TEST_F(AddressPlanTest, TellsWhatAMoveBreaks) {
  const NodeId a = add("a", "100.64.0.1"), b = add("b", "100.64.0.2");
  control::DnsConfig dns = store::first_dns();
  dns.extra_records = {{"db.example", "A", "100.64.0.1"}};
  dns.routes["corp.example"] = {control::Resolver{"100.64.0.2", {}, false}};
  ASSERT_TRUE(registry->set_dns(account.id, dns, audit("UPDATE")));
  ASSERT_TRUE(registry->set_policy(
      {account.id, 0, "// hosts\n{\"hosts\": {\"b\": \"100.64.0.2\"}}\n", "{}", kNow},
      audit("UPDATE")));
  const auto plan = check({wish(a, "100.64.0.2"), wish(b, "100.64.0.7")});
  ASSERT_TRUE(plan.refusals.empty());
  Texts kinds;
  for (const Break& one : breaks_of(*registry, plan.change)) {
    if (one.needs_hand()) kinds.push_back(one.kind + ' ' + one.text);
  }
  EXPECT_EQ(
      kinds, (Texts{
                 "dnsRecord DNS record db.example says 100.64.0.1, which no device has any more",
                 "policy policy line 2 says 100.64.0.2, which is a now",
                 "nameserver name server 100.64.0.2 is 100.64.0.2, which is a now"}));
}

struct SmallPool : AddressAllocator::Pools {
  std::vector<Prefix> pool_for(const NodeRecord&) const override {
    return {*Prefix::parse("100.80.0.0/31"), *Prefix::parse("100.90.0.4/32")};
  }
};

TEST_F(AddressPlanTest, TakesNewAddressesFromThePoolAndSaysWhenItIsUsedUp) {
  AddressAllocator allocator(*registry, *store, rng);
  const SmallPool pools;
  allocator.set_pools(pools);
  std::set<std::string> given;
  for (int i = 0; i < 3; ++i) {
    NodeRecord record = node("n" + std::to_string(i), "0.0.0.0");
    const auto address = allocator.ipv4_for(record, kNow);
    ASSERT_TRUE(address) << address.error();
    record.ipv4 = *address;
    ASSERT_TRUE(registry->admit(record, {}, audit()));
    given.insert(address->to_text());
  }
  EXPECT_EQ(given, (std::set<std::string>{"100.80.0.0", "100.80.0.1", "100.90.0.4"}));
  const auto none = allocator.ipv4_for(node("x", "0.0.0.0"), kNow);
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().find("100.80.0.0/31, 100.90.0.4/32"), std::string::npos);
}

}  // namespace
}  // namespace aya::nodes
