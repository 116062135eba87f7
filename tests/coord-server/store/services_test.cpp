// Services in the file: what comes back, and that an address has one owner over all kinds of them.
#include "tests/coord-server/store/store_fixture.h"

namespace aya::store {
namespace {

struct StoreServices : StoreFixture {
  StoreServices() { make_account(); }

  Service service(const std::string& name, const std::string& ipv4, const std::string& ipv6) {
    Service out;
    out.account = account.id;
    out.name = "svc:" + name;
    out.ipv4 = *IpAddress::parse(ipv4);
    out.ipv6 = *IpAddress::parse(ipv6);
    return out;
  }
  WallTime later = kNow + std::chrono::hours(24);
};

TEST_F(StoreServices, ComeBackWithEverythingThatWasSaid) {
  Service web = service("web", "100.90.0.1", "fd7a:115c:a1e0::1");
  web.comment = "front";
  web.annotations = R"({"owner":"ops"})";
  web.ports = {"tcp:443", "udp:53"};
  web.tags = {"tag:prod"};
  ASSERT_TRUE(store->create_service(web, audit()));
  const NodeRecord host = *store->create_node(node("a", "100.64.0.1"), {}, audit());
  const ServiceHost offers{true, HostApproval::ByPolicy}, refused{false, HostApproval::Refused};
  ASSERT_TRUE(store->put_service_hosts(
      {{host.id, "svc:web", offers}, {host.id, "svc:later", refused}}, std::nullopt));
  ASSERT_TRUE(store->save_service_carriers({{account.id, "svc:web", host.id}}));
  open();
  EXPECT_EQ(*store->services(), std::vector{web});
  auto hosts = *store->service_hosts();
  ASSERT_EQ(hosts.size(), 2u);
  EXPECT_EQ(hosts[0].service, "svc:later");
  EXPECT_EQ(hosts[0].host, refused);
  EXPECT_EQ(hosts[1].host, offers);
  EXPECT_EQ(store->service_carriers()->at(0).node, host.id);

  ASSERT_TRUE(store->remove_service(web, later, audit("DELETE")));
  hosts = *store->service_hosts();
  ASSERT_EQ(hosts.size(), 2u) << "what it offers, and what was said of another one";
  EXPECT_EQ(hosts[1].host, (ServiceHost{true, HostApproval::Undecided}));
  ASSERT_TRUE(store->put_service_hosts({{host.id, "svc:web", ServiceHost{}}}, audit()));
  EXPECT_EQ(store->service_hosts()->size(), 1u);
  ASSERT_TRUE(store->delete_node(host.id, later, audit("DELETE")));
  EXPECT_TRUE(store->service_hosts()->empty());
  EXPECT_EQ(store->remove_service(web, later, audit()).error().kind, StoreError::Kind::NotFound);
}

constexpr auto kTaken = StoreError::Kind::Taken;

TEST_F(StoreServices, HaveAddressesAndNamesOfTheirOwn) {
  const Service web = service("web", "100.90.0.1", "fd7a:115c:a1e0::1");
  ASSERT_TRUE(store->create_service(web, audit()));
  const NodeRecord a = *store->create_node(node("a", "100.64.0.1"), {}, audit());
  const auto refused = [&](const Service& one) {
    const auto made = store->create_service(one, audit());
    return !made && made.error().kind == kTaken;
  };
  EXPECT_TRUE(refused(web));
  EXPECT_TRUE(refused(service("b", "100.90.0.1", "fd7a:115c:a1e0::2")));
  EXPECT_TRUE(refused(service("b", "100.90.0.2", "fd7a:115c:a1e0::1")));
  EXPECT_TRUE(refused(service("b", "100.64.0.1", "fd7a:115c:a1e0::2")));
  EXPECT_TRUE(refused(service("b", "100.90.0.2", a.ipv6.to_text())));
  EXPECT_TRUE(refused(service("a", "100.90.0.2", "fd7a:115c:a1e0::2")));
  EXPECT_EQ(store->create_node(node("b", "100.90.0.1"), {}, audit()).error().kind, kTaken);
  EXPECT_EQ(store->create_node(node("web", "100.64.0.2"), {}, audit()).error().kind, kTaken);
  EXPECT_EQ(store->change_addresses(move(a, "100.90.0.1"), {audit()}).error().kind, kTaken);
  NodeRecord renamed = a;
  renamed.label = "web";
  EXPECT_EQ(store->update_node(renamed, {}, audit()).error().kind, kTaken);
  EXPECT_EQ(
      store->change_aliases({{account.id, NodeId{77}, web.ipv4}}, {}, later).error().kind, kTaken);

  // Where a node still answers for a while.
  AddressChange leaves = move(a, "100.64.0.9");
  leaves.grace_until = later;
  ASSERT_TRUE(store->change_addresses(leaves, {audit()}));
  EXPECT_TRUE(refused(service("b", "100.64.0.1", "fd7a:115c:a1e0::2")));
  Service moved = web;
  moved.ipv4 = *IpAddress::parse("100.64.0.9");
  EXPECT_EQ(store->update_service(moved, later, audit()).error().kind, kTaken);
  EXPECT_EQ(store->services()->at(0), web) << "nothing of it is left";
  EXPECT_TRUE(store->quarantines(kNow)->empty());

  moved.ipv4 = *IpAddress::parse("100.90.0.7");
  ASSERT_TRUE(store->update_service(moved, later, audit()));
  const auto resting = *store->quarantines(kNow);
  ASSERT_EQ(resting.size(), 1u);
  EXPECT_EQ(resting[0].address, web.ipv4);

  // Another account has an IPv4 range of its own.
  make_account("lab");
  EXPECT_TRUE(store->create_service(service("web", "100.90.0.7", "fd7a:115c:a1e0::3"), audit()));
  EXPECT_TRUE(refused(service("b", "100.90.0.8", "fd7a:115c:a1e0::1")));
}

}  // namespace
}  // namespace aya::store
