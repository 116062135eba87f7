// UPnP gateways and their habits.
#include "daemon/portmap/upnp.h"

#include <algorithm>

#include "tests/daemon/portmap/fake_gateway.h"

namespace aya::portmap {
namespace {

struct UpnpBench {
  UpnpBench() {
    task.id = 7;
    task.descriptions = {*GatewayUrl::parse("http://192.168.1.1:5000/root.xml")};
    task.internal = *Endpoint::parse("192.168.1.7:41641");
  }
  UpnpAnswer ask() {
    gateway.actions.clear();
    return map_by_upnp(task, gateway, rng);
  }
  void renew(const UpnpAnswer& last) {
    task.held = last.granted->hold;
    task.preferred_external = last.granted->external.port;
  }
  int count(std::string_view action) const {
    return static_cast<int>(std::ranges::count(gateway.actions, action));
  }

  FakeGateway gateway;
  test::SeededRng rng;
  UpnpTask task;
};

using Actions = std::vector<std::string>;

TEST(Upnp, AsksStepByStepAndChecksWhatItGot) {
  UpnpBench bench;
  const auto answer = bench.ask();
  ASSERT_TRUE(answer.granted);
  EXPECT_EQ(answer.id, 7u);
  EXPECT_EQ(
      bench.gateway.actions,
      (Actions{"describe http://192.168.1.1:5000/root.xml", "address", "status", "add", "find"}));
  const auto& [port, mapped] = *bench.gateway.mapped.begin();
  EXPECT_EQ(answer.granted->external.to_text(), "203.0.113.9:" + std::to_string(port));
  EXPECT_EQ(mapped.lease, 7200u);
  const UpnpHold hold{"http://192.168.1.1:5000/ctl", bench.gateway.service, port};
  EXPECT_EQ(answer.granted->hold, hold);
  give_back(hold, bench.gateway);
  EXPECT_TRUE(bench.gateway.mapped.empty());
}

TEST(Upnp, TakesThePortThatAVersion2GatewayGives) {
  UpnpBench bench;
  bench.gateway.service = "urn:schemas-upnp-org:service:WANIPConnection:2";
  const auto answer = bench.ask();
  ASSERT_TRUE(answer.granted);
  EXPECT_EQ(bench.count("add_any"), 1);
  EXPECT_EQ(answer.granted->external.port, bench.gateway.mapped.begin()->first);
}

TEST(Upnp, TakesAPermanentLeaseWhereThereIsNoOther) {
  UpnpBench bench;
  bench.gateway.permanent_only = true;
  ASSERT_TRUE(bench.ask().granted);
  EXPECT_EQ(bench.gateway.mapped.begin()->second.lease, 0u);

  UpnpBench stubborn;
  stubborn.gateway.add_error = UpnpError::InvalidArguments;
  EXPECT_FALSE(stubborn.ask().granted);
  EXPECT_EQ(stubborn.count("add"), 2);
}

TEST(Upnp, TriesOtherPortsOnConflict) {
  UpnpBench bench;
  bench.gateway.conflicts = 3;
  EXPECT_TRUE(bench.ask().granted);
  bench.gateway.conflicts = 4;
  EXPECT_FALSE(bench.ask().granted);
}

TEST(Upnp, SaysWhichRefusalsWillLast) {
  for (const int code : {401, 501, 606, 899, -1}) {
    UpnpBench bench;
    bench.gateway.add_error = UpnpError{code};
    const auto answer = bench.ask();
    EXPECT_FALSE(answer.granted);
    EXPECT_EQ(answer.unusable, code == 401 || code == 501 || code == 606) << code;
    EXPECT_EQ(bench.count("add"), 1);
  }
}

TEST(Upnp, CorrectsAGatewayThatMappedAnotherPort) {
  UpnpBench bench;
  bench.gateway.substitutes_port = true;
  const auto answer = bench.ask();
  ASSERT_TRUE(answer.granted);
  ASSERT_EQ(bench.gateway.mapped.size(), 1u);
  EXPECT_EQ(bench.gateway.mapped.at(answer.granted->external.port).internal, 41641);
}

TEST(Upnp, BelievesAGatewayThatCannotSayWhatItMapped) {
  UpnpBench bench;
  bench.gateway.find_error = UpnpError::InvalidAction;
  EXPECT_TRUE(bench.ask().granted);
  bench.gateway.find_error = UpnpError::NoSuchEntry;
  EXPECT_FALSE(bench.ask().granted);
}

TEST(Upnp, LeavesThePortsOfOtherHostsAlone) {
  class Elsewhere final : public Igd {  // says at first that the mapping is somebody else's
   public:
    explicit Elsewhere(FakeGateway& real) : real_(real) {}
    std::optional<Description> describe(const std::string& url) override {
      return real_.describe(url);
    }
    std::string status(const Service& s) override { return real_.status(s); }
    std::string external_address(const Service& s) override { return real_.external_address(s); }
    UpnpError add(const Service& s, const Mapping& m) override { return real_.add(s, m); }
    Added add_any(const Service& s, const Mapping& m) override { return real_.add_any(s, m); }
    Found find(const Service& s, std::uint16_t port) override {
      if (std::exchange(first_, false)) return {UpnpError::None, "192.168.1.99", "41641"};
      return real_.find(s, port);
    }
    void remove(const Service& s, std::uint16_t port) override { real_.remove(s, port); }

   private:
    FakeGateway& real_;
    bool first_ = true;
  };
  UpnpBench bench;
  Elsewhere elsewhere(bench.gateway);
  EXPECT_TRUE(map_by_upnp(bench.task, elsewhere, bench.rng).granted);
  EXPECT_EQ(bench.count("remove"), 0);
  EXPECT_EQ(bench.count("add"), 2);
}

TEST(Upnp, RenewsThePortItHasAndDeletesTheOldOneWhenItLandsElsewhere) {
  UpnpBench bench;
  const auto first = bench.ask();
  bench.renew(first);
  const auto second = bench.ask();
  ASSERT_TRUE(second.granted);
  EXPECT_EQ(second.granted->external, first.granted->external);
  EXPECT_EQ(bench.count("remove"), 0);

  bench.gateway.conflicts = 1;
  const auto third = bench.ask();
  ASSERT_TRUE(third.granted);
  EXPECT_NE(third.granted->external, first.granted->external);
  EXPECT_EQ(bench.gateway.mapped.size(), 1u);
}

TEST(Upnp, DoesNotMapWithoutAnAddressOutside) {
  for (const char* outside : {"", "0.0.0.0", "127.0.0.1", "nowhere"}) {
    UpnpBench bench;
    bench.gateway.outside = outside;
    EXPECT_FALSE(bench.ask().granted) << outside;
    EXPECT_EQ(bench.count("add"), 0);
  }
}

TEST(Upnp, MapsOnAConnectionThatSaysItIsDownIfThereIsNoBetter) {
  UpnpBench bench;
  bench.gateway.connection_status = "Connecting";
  EXPECT_TRUE(bench.ask().granted);
}

TEST(Upnp, TriesTheNextDescriptionWhenOneCannotBeUsed) {
  UpnpBench bench;
  bench.gateway.described = false;
  bench.task.descriptions.push_back(*GatewayUrl::parse("http://192.168.1.1/other.xml"));
  EXPECT_FALSE(bench.ask().granted);
  EXPECT_EQ(
      bench.gateway.actions, (Actions{
                                 "describe http://192.168.1.1:5000/root.xml",
                                 "describe http://192.168.1.1:80/other.xml"}));
}

// What the gateway says may lead to somebody else, and the gateway may be reached through a tunnel.
TEST(Upnp, TalksToTheGatewayOnItsNetworkOnly) {
  const auto refused = [](auto&& spoil) {
    UpnpBench bench;
    spoil(bench.gateway);
    return !bench.ask().granted && bench.gateway.actions.size() == 1;
  };
  EXPECT_TRUE(refused([](FakeGateway& g) { g.control_url = "http://192.168.1.9:5000/ctl"; }));
  EXPECT_TRUE(refused([](FakeGateway& g) { g.control_url = "http://router.lan/ctl"; }));
  EXPECT_TRUE(refused([](FakeGateway& g) { g.control_url = "/ctl"; }));
  EXPECT_TRUE(refused([](FakeGateway& g) { g.service = "urn:schemas-upnp-org:service:Layer3:1"; }));
  EXPECT_TRUE(refused([](FakeGateway& g) { g.seen_from = "100.80.0.1"; }));
  EXPECT_TRUE(refused([](FakeGateway& g) { g.seen_from = ""; }));
}

TEST(Upnp, TakesTheConnectionThatIsUpAndPublic) {
  class TwoWays final : public Igd {
   public:
    std::optional<Description> describe(const std::string&) override {
      const std::string urn = "urn:schemas-upnp-org:service:";
      return Description{
          "192.168.1.7",
          {{urn + "WANPPPConnection:1", "http://192.168.1.1/ppp"},
           {urn + "WANIPConnection:1", "http://192.168.1.1/ip"}}};
    }
    std::string status(const Service&) override { return "Up"; }
    std::string external_address(const Service& service) override {
      asked.push_back(service.control_url.substr(18));
      return asked.back() == "/ip" ? "10.0.0.1" : "203.0.113.9";
    }
    UpnpError add(const Service& service, const Mapping&) override {
      asked.push_back("add " + service.control_url.substr(18));
      return UpnpError::None;
    }
    Added add_any(const Service&, const Mapping&) override { return {}; }
    Found find(const Service&, std::uint16_t) override { return {UpnpError::NoAnswer, {}, {}}; }
    void remove(const Service&, std::uint16_t) override {}
    Actions asked;
  };
  UpnpBench bench;
  TwoWays gateway;
  EXPECT_TRUE(map_by_upnp(bench.task, gateway, bench.rng).granted);
  EXPECT_EQ(gateway.asked, (Actions{"/ip", "/ppp", "add /ppp"}));
}

TEST(IsPublic, KnowsTheAddressesOfNats) {
  for (const char* inside :
       {"10.1.2.3", "172.16.0.1", "192.168.0.1", "100.64.0.0", "100.127.255.255", "127.0.0.1",
        "169.254.1.1", "0.0.0.0"}) {
    EXPECT_FALSE(is_public(*IpAddress::parse(inside))) << inside;
  }
  for (const char* outside : {"203.0.113.9", "100.63.255.255", "100.128.0.0", "2001:db8::1"}) {
    EXPECT_TRUE(is_public(*IpAddress::parse(outside))) << outside;
  }
}

}  // namespace
}  // namespace aya::portmap
