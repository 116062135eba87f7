#include "coord-server/nodes/registry.h"

#include "tests/coord-server/store/store_fixture.h"

namespace aya::nodes {
namespace {

using store::kNow;

struct RegistryTest : store::StoreFixture {
  RegistryTest() {
    make_account();
    load();
  }
  void load() {
    auto loaded = Registry::load(*store, kNow);
    ASSERT_TRUE(loaded);
    registry = std::move(*loaded);
  }
  const Node& add(const std::string& label, const std::string& ipv4) {
    auto added = registry->admit(node(label, ipv4), {}, audit());
    EXPECT_TRUE(added) << added.error().to_text();
    return **added;
  }
  std::unique_ptr<Registry> registry;
};

TEST_F(RegistryTest, FindsANodeByEverythingThatNamesIt) {
  const Node& a = add("alpha", "100.64.0.1");
  EXPECT_EQ(registry->find(a.record.node_key), &a);
  EXPECT_EQ(registry->find(account.id, a.record.machine), &a);
  EXPECT_EQ(registry->find_label(account.id, "alpha"), &a);
  EXPECT_EQ(registry->find_address(account.id, a.record.ipv4), &a);
  EXPECT_EQ(registry->find_address(account.id, a.record.ipv6), &a);
  EXPECT_EQ(registry->find_stable_id(a.record.stable_id), &a);
  EXPECT_EQ(registry->full_name(a), "alpha.default.example");
}

TEST_F(RegistryTest, LooksTheSameAfterARestart) {
  const NodeRecord before = add("alpha", "100.64.0.1").record;
  ASSERT_TRUE(registry->change_addresses(move(before, "100.80.0.1"), {audit()}));
  load();
  const Node* after = registry->find(before.id);
  ASSERT_NE(after, nullptr);
  EXPECT_EQ(after->record.ipv4.to_text(), "100.80.0.1");
  EXPECT_EQ(after->record.ipv6, before.ipv6);
  EXPECT_EQ(registry->quarantined_for(account.id, before.ipv4, kNow), before.id);
}

TEST_F(RegistryTest, FollowsAMoveInItsIndexes) {
  const Node& a = add("alpha", "100.64.0.1");
  const IpAddress to = *IpAddress::parse("100.80.0.1");
  ASSERT_TRUE(registry->change_addresses(move(a.record, "100.80.0.1"), {audit()}));
  EXPECT_EQ(registry->find_address(account.id, to), &a);
  EXPECT_EQ(registry->find_address(account.id, *IpAddress::parse("100.64.0.1")), nullptr);
}

TEST_F(RegistryTest, FreesAQuarantinedAddressAfterADay) {
  const Node& a = add("alpha", "100.64.0.1");
  const IpAddress was = a.record.ipv4;
  ASSERT_TRUE(registry->remove(a.id(), kNow, audit("DELETE")));
  EXPECT_TRUE(registry->quarantined_for(account.id, was, kNow + 23h));
  EXPECT_FALSE(registry->quarantined_for(account.id, was, kNow + 25h));
}

TEST_F(RegistryTest, TellsOnlyWhatChangedSinceAVersion) {
  const Node& a = add("alpha", "100.64.0.1");
  const Node& b = add("beta", "100.64.0.2");
  const Version before = registry->version();
  EXPECT_TRUE(registry->changes_since(account.id, before).changed.empty());
  registry->set_online(b.id(), true, kNow);
  auto changes = registry->changes_since(account.id, before);
  ASSERT_EQ(changes.changed, std::vector{&b});
  EXPECT_TRUE(b.changed_since(Facet::Online, before));
  EXPECT_FALSE(b.changed_since(Facet::Identity, before));
  ASSERT_TRUE(registry->remove(a.id(), kNow, audit("DELETE")));
  changes = registry->changes_since(account.id, before);
  EXPECT_EQ(changes.removed.size(), 1u);
  EXPECT_EQ(changes.changed.size(), 1u);
}

TEST_F(RegistryTest, SaysWhenItNoLongerKnowsWhatWasRemoved) {
  const Version before = registry->version();
  for (std::size_t i = 0; i <= Registry::kRememberedRemovals; ++i) {
    ASSERT_TRUE(registry->remove(add("n", "100.64.0.1").id(), kNow, audit("DELETE")));
  }
  EXPECT_FALSE(registry->changes_since(account.id, before).complete);
  EXPECT_TRUE(registry->changes_since(account.id, registry->version()).complete);
}

TEST_F(RegistryTest, DoesNotTellPeersAboutTheSameEndpointsInAnotherOrder) {
  const Node& a = add("alpha", "100.64.0.1");
  const auto at = [](const char* text) {
    return store::KnownEndpoint{*Endpoint::parse(text), control::EndpointType::Stun};
  };
  store::NodeLive live = a.record.live;
  live.endpoints = {at("192.0.2.1:1"), at("192.0.2.2:2")};
  registry->set_live(a.id(), live);
  const Version before = registry->version();
  std::swap(live.endpoints[0], live.endpoints[1]);
  live.hostinfo.net_info.emplace().link_type = "wired";  // nobody else's business
  registry->set_live(a.id(), live);
  EXPECT_EQ(registry->version(), before);
  EXPECT_TRUE(registry->has_unsaved());
}

TEST_F(RegistryTest, SavesLivePartsInBulk) {
  const Node& a = add("alpha", "100.64.0.1");
  store::NodeLive live = a.record.live;
  live.home_region = 900;
  registry->set_live(a.id(), live);
  ASSERT_TRUE(registry->flush());
  EXPECT_FALSE(registry->has_unsaved());
  load();
  EXPECT_EQ(registry->find_label(account.id, "alpha")->record.live.home_region, 900);
}

TEST_F(RegistryTest, NoticesAKeyThatExpires) {
  const Node& a = add("alpha", "100.64.0.1");
  ASSERT_EQ(registry->next_expiry(), a.record.key_expiry);
  const Version before = registry->version();
  registry->note_expiries(kNow + 23h);
  EXPECT_EQ(registry->version(), before);
  registry->note_expiries(kNow + 24h);
  EXPECT_TRUE(a.changed_since(Facet::Identity, before));
  EXPECT_EQ(registry->next_expiry(), std::nullopt);
}

TEST_F(RegistryTest, ChangesNothingInMemoryWhenTheStoreRefuses) {
  const Node& a = add("alpha", "100.64.0.1");
  add("beta", "100.64.0.2");
  const Version before = registry->version();
  EXPECT_FALSE(registry->change_addresses(move(a.record, "100.64.0.2"), {audit()}));
  NodeRecord renamed = a.record;
  renamed.label = "beta";
  EXPECT_FALSE(registry->update(renamed));
  EXPECT_EQ(a.record.label, "alpha");
  EXPECT_EQ(a.record.ipv4.to_text(), "100.64.0.1");
  EXPECT_EQ(registry->version(), before);
}

}  // namespace
}  // namespace aya::nodes
