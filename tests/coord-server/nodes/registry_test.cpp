#include "coord-server/nodes/registry.h"

#include <random>

#include "coord-server/nodes/address_rules.h"
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

// Nodes, former addresses, services and names of strangers draw from a few addresses, all at once.
TEST_F(RegistryTest, GivesNoAddressToTwoOwnersWhateverHappens) {
  std::mt19937 dice{5};
  const auto pick = [&](unsigned n) { return static_cast<std::uint32_t>(dice() % n); };
  const auto v4 = [&] { return IpAddress::v4(0x645a0001u + pick(6)); };
  const auto v6 = [&] {
    return *IpAddress::parse("fd7a:115c:a1e0::" + std::to_string(1 + pick(6)));
  };
  std::vector<NodeId> nodes;
  for (int i = 0; i < 3; ++i) {
    nodes.push_back(add("n" + std::to_string(i), "100.64.0." + std::to_string(i + 1)).id());
  }
  unsigned done = 0;
  for (int step = 0; step < 400; ++step) {
    const NodeId some = nodes[pick(3)];
    const std::string name = "svc:s" + std::to_string(pick(3));
    const Service* known = registry->find_service(account.id, name);
    store::Service wish = known == nullptr ? store::Service{} : known->record;
    Stored<void> outcome;
    switch (pick(6)) {
      case 0:
      case 1: {
        const NodeRecord& record = registry->find(some)->record;
        store::AddressChange change = move(record, v4().to_text());
        if (pick(2) == 0) change.moves = {{some, record.ipv6, v6()}};
        if (pick(2) == 0) change.grace_until = kNow + 1h;
        if (change.moves[0].from == change.moves[0].to) continue;
        outcome = registry->change_addresses(change, {audit()});
        break;
      }
      case 2: {
        const auto overdue = registry->overdue_former(kNow + 2h);
        if (overdue) outcome = registry->end_former(*overdue, kNow, audit());
        break;
      }
      case 3: {
        const NodeId stranger{900 + static_cast<std::int64_t>(pick(2))};
        const auto held = registry->alias(account.id, stranger);
        outcome = held ? registry->change_aliases({}, {{account.id, stranger, *held}}, kNow)
                       : registry->change_aliases({{account.id, stranger, v4()}}, {}, kNow);
        break;
      }
      case 4:
        if (known == nullptr) continue;
        outcome = registry->remove_service(account.id, name, kNow, audit("DELETE"));
        break;
      default:
        wish.account = account.id;
        wish.name = name;
        wish.ipv4 = known == nullptr || pick(2) == 0 ? v4() : known->record.ipv4;
        wish.ipv6 = known == nullptr || pick(2) == 0 ? v6() : known->record.ipv6;
        outcome = registry->put_service(wish, kNow, audit());
    }
    if (outcome) ++done;
    std::set<IpAddress> held;
    const auto holds = [&](const IpAddress& address) {
      EXPECT_TRUE(held.insert(address).second) << address.to_text() << " after step " << step;
      EXPECT_TRUE(registry->is_taken(account.id, address));
    };
    for (const NodeId id : nodes) {
      for (const IpAddress& one : all_addresses(registry->find(id)->record)) holds(one);
    }
    for (const auto& [called, service] : registry->services(account.id)) {
      holds(service.record.ipv4);
      holds(service.record.ipv6);
    }
    for (const auto& [stranger, alias] : registry->aliases_in(account.id)) holds(alias);
    if (HasFailure()) FAIL();
    if (pick(20) == 0) load();
  }
  EXPECT_GT(done, 100u);
}

TEST_F(RegistryTest, MovesAServiceOnlyWhenItsHostIsGoneAlsoOverARestart) {
  const NodeId a = add("alpha", "100.64.0.1").id(), b = add("beta", "100.64.0.2").id();
  store::Service web;
  web.account = account.id;
  web.name = "svc:web";
  web.ipv4 = *IpAddress::parse("100.90.0.1");
  web.ipv6 = *IpAddress::parse("fd7a:115c:a1e0::1");
  ASSERT_TRUE(registry->put_service(web, kNow, audit()));
  const auto carrier = [&] { return registry->find_service(account.id, "svc:web")->carrier; };
  for (const NodeId id : {a, b}) {
    registry->set_present(id, true);
    ASSERT_TRUE(registry->set_offers(id, {"svc:web", "svc:later"}));
    EXPECT_NE(carrier(), id) << "not approved";
    ASSERT_TRUE(
        registry->approve_host(id, "svc:web", store::HostApproval::ByPerson, audit()));
  }
  EXPECT_EQ(carrier(), a);
  const Version before = registry->version();
  registry->set_present(a, false);
  EXPECT_EQ(carrier(), b);
  for (const NodeId id : {a, b}) {
    EXPECT_TRUE(registry->find(id)->changed_since(Facet::Routes, before));
  }
  registry->set_present(a, true);
  EXPECT_EQ(carrier(), b);
  ASSERT_TRUE(registry->has_unsaved());
  ASSERT_TRUE(registry->flush());
  load();
  EXPECT_EQ(carrier(), b);
  EXPECT_FALSE(registry->has_unsaved());
  ASSERT_TRUE(registry->set_offers(b, {}));
  EXPECT_EQ(carrier(), a);
  NodeRecord waits = registry->find(a)->record;
  waits.authorized = false;
  ASSERT_TRUE(registry->update(waits));
  EXPECT_EQ(carrier(), std::nullopt);
  registry->note_expiries(kNow + 25h);  // keys are over
  ASSERT_TRUE(registry->set_offers(b, {"svc:web"}));
  EXPECT_EQ(carrier(), std::nullopt);
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
