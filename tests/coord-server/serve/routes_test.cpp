// Routes end to end: approval, what it changes in maps and filters, and the choice among several
// routers (control 8.5, 9.7; interfaces 1.4).
#include "tests/coord-server/serve/api_vectors.h"

namespace aya::serve {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;

class Routing : public ApiVectors {
 protected:
  void offer(Machine& m, const std::vector<const char*>& routes) {
    m.offered.clear();
    for (const char* route : routes) m.offered.push_back(*Prefix::parse(route));
    control::MapRequest lite = map_request(m);
    lite.omit_peers = true;
    EXPECT_EQ(send_map(m, lite), 200);
    settle();
  }

  Json approve(const Machine& m, const std::vector<std::string>& routes) {
    const Json answer = api("POST", device(m) + "/routes", {{"routes", routes}});
    EXPECT_EQ(reply.status, 200) << answer;
    settle();
    return answer;
  }

  void settle() { advance(2 * mapper::MapStreams::kGatherFor); }

  // AllowedIPs without the node's own addresses.
  static std::vector<std::string> routed(const control::Node* node) {
    std::vector<std::string> out;
    if (node == nullptr || !node->allowed_ips) return out;
    for (const Prefix& prefix : *node->allowed_ips) {
      const bool own = std::ranges::count(node->addresses, prefix) > 0;
      if (!own) out.push_back(prefix.to_text());
    }
    return out;
  }
  std::vector<std::string> seen(const Machine& viewer, const Machine& of) {
    return routed(peer(viewer, of));
  }
  static std::vector<std::string> destinations(const Machine& m) {
    std::vector<std::string> out;
    for (const auto& to : m.state.netmap.packet_filters.at("base").at(0).dst_ports) {
      out.push_back(to.ip);
    }
    return out;
  }
  static std::vector<std::string> sources(const Machine& m) {
    const auto& filters = m.state.netmap.packet_filters;
    const auto base = filters.find("base");
    return base == filters.end() || base->second.empty() ? std::vector<std::string>()
                                                         : base->second[0].src_ips;
  }

  Machine& client = joined("client");
  Machine& router = joined("router");
};

TEST_F(Routing, ChangesNothingUntilARouteIsApproved) {
  offer(router, {"10.77.0.0/24"});
  EXPECT_THAT(seen(client, router), IsEmpty());
  EXPECT_EQ(peer(client, router)->hostinfo->routable_ips.size(), 1u) << "but it is announced";
  approve(router, {"10.77.0.0/24"});
  EXPECT_THAT(seen(client, router), ElementsAre("10.77.0.0/24"));
  EXPECT_THAT(peer(client, router)->primary_routes, ElementsAre(*Prefix::parse("10.77.0.0/24")));
}

TEST_F(Routing, TellsTheRouterItselfWithItsFilter) {  // 9.7: else it forwards nothing
  offer(router, {"10.77.0.0/24"});
  router.received.clear();
  order.clear();
  approve(router, {"10.77.0.0/24"});
  ASSERT_EQ(router.received.size(), 1u);
  EXPECT_THAT(routed(&*router.received[0].node), ElementsAre("10.77.0.0/24"));
  ASSERT_TRUE(router.received[0].packet_filters.contains("base"));
  EXPECT_THAT(destinations(router), ElementsAre("*")) << "it has no less than that";
  EXPECT_EQ(order.back(), *router.stream) << "after those who will use it";
}

TEST_F(Routing, LetsHostsBehindARouterSpeakInTheirOwnName) {  // interfaces 5.2, "*"
  offer(router, {"10.77.0.0/24", "0.0.0.0/0", "::/0"});
  approve(router, {"10.77.0.0/24", "0.0.0.0/0", "::/0"});
  EXPECT_THAT(sources(client), IsSupersetOf({"10.77.0.0/24", "fd7a:115c:a1e0::/48"}));
  EXPECT_EQ(std::ranges::count(sources(client), "0.0.0.0/0"), 0);
  approve(router, {});
  EXPECT_EQ(std::ranges::count(sources(client), "10.77.0.0/24"), 0);
}

TEST_F(Routing, OpensWhatWasApprovedAndNothingPrivateBesides) {
  const Json grants = {
      {{"src", {"*"}}, {"dst", {"autogroup:internet", "autogroup:member"}}, {"ip", {"*"}}}};
  api("POST", "/api/v2/tailnet/-/acl", {{"grants", grants}});
  ASSERT_EQ(reply.status, 200);
  offer(router, {"10.77.0.0/24", "0.0.0.0/0", "::/0"});
  approve(router, {"0.0.0.0/0", "::/0"});
  const auto leads_to = [&](const char* address) {
    return std::ranges::any_of(destinations(router), [&](const std::string& range) {
      const auto dash = range.find('-');
      if (dash == std::string::npos) {
        const auto prefix = Prefix::parse(range);
        return prefix && prefix->contains(*IpAddress::parse(address));
      }
      const IpAddress at = *IpAddress::parse(address);
      const IpAddress first = *IpAddress::parse(range.substr(0, dash));
      return at.is_v4() == first.is_v4() && first <= at &&
             at <= *IpAddress::parse(range.substr(dash + 1));
    });
  };
  for (const char* open : {"1.1.1.1", "203.0.113.1", "2001:db8::1", "0.0.0.0"}) {
    EXPECT_TRUE(leads_to(open)) << open;
  }
  for (const char* closed :
       {"10.77.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "127.0.0.1"}) {
    EXPECT_FALSE(leads_to(closed)) << closed;
  }
}

TEST_F(Routing, CostsOneSmallMessageEach) {
  Machine& third = joined("third");
  offer(router, {"10.77.0.0/24"});
  client.received.clear();
  approve(router, {"10.77.0.0/24"});
  ASSERT_EQ(client.received.size(), 1u);
  const control::MapResponse& told = client.received[0];
  EXPECT_EQ(told.peers_changed.size(), 1u);
  EXPECT_TRUE(told.peers.empty() && !told.node && !told.dns_config && !told.derp_map);
  const auto before = coordinator->streams().counters();
  approve(router, {"10.77.0.0/24"});
  EXPECT_EQ(coordinator->streams().counters().deltas, before.deltas) << "nothing changed";
  EXPECT_NE(peer(third, router), nullptr);
}

TEST_F(Routing, CountsOnlyWhatIsBothOfferedAndApproved) {
  approve(router, {"10.77.0.0/24", "10.78.0.0/24"});
  EXPECT_THAT(seen(client, router), IsEmpty());
  offer(router, {"10.77.0.0/24", "10.79.0.0/24"});
  EXPECT_THAT(seen(client, router), ElementsAre("10.77.0.0/24")) << "approved in advance";
  offer(router, {"10.79.0.0/24"});
  EXPECT_THAT(seen(client, router), IsEmpty()) << "no longer offered is enough";
}

TEST_F(Routing, MakesAnExitNodeOfBothFamiliesOnly) {  // T-26
  approve(router, {"0.0.0.0/0"});
  offer(router, {"0.0.0.0/0"});
  EXPECT_THAT(seen(client, router), IsEmpty());
  EXPECT_FALSE(peer(client, router)->cap_map.contains("suggest-exit-node"));
  offer(router, {"0.0.0.0/0", "::/0"});
  EXPECT_THAT(seen(client, router), ElementsAre("0.0.0.0/0", "::/0"));
  EXPECT_THAT(peer(client, router)->primary_routes, IsEmpty());
  EXPECT_TRUE(peer(client, router)->cap_map.contains("suggest-exit-node"));
  EXPECT_TRUE(client.state.netmap.self.cap_map.contains("suggest-exit-node-ui"));
  EXPECT_TRUE(client.state.netmap.self.cap_map.contains("auto-exit-node"));
  approve(router, {});
  EXPECT_THAT(seen(client, router), IsEmpty());
  EXPECT_FALSE(peer(client, router)->cap_map.contains("suggest-exit-node"));
}

TEST_F(Routing, LetsEveryExitNodeBeChosen) {
  Machine& other = joined("other");
  for (Machine* m : {&router, &other}) {
    offer(*m, {"0.0.0.0/0", "::/0"});
    approve(*m, {"::/0"});
    EXPECT_THAT(seen(client, *m), ElementsAre("0.0.0.0/0", "::/0"));
  }
}

TEST_F(Routing, PassesOnTheServicesOfAPeer) {
  control::MapRequest lite = map_request(router);
  lite.omit_peers = true;
  lite.hostinfo->services = {
      {"peerapi4", 40001, ""}, {"peerapi6", 40002, ""}, {"peerapi-dns-proxy", 1, ""}};
  send_map(router, lite);
  settle();
  EXPECT_EQ(peer(client, router)->hostinfo->services, lite.hostinfo->services);
}

class TwoRouters : public Routing {
 protected:
  TwoRouters() {
    for (Machine* m : {&router, &second}) {
      offer(*m, {"10.77.0.0/24"});
      approve(*m, {"10.77.0.0/24"});
    }
  }
  Machine& second = joined("second");
};

TEST_F(TwoRouters, GiveAPrefixToOneOfThem) {  // T-27
  EXPECT_THAT(seen(client, router), ElementsAre("10.77.0.0/24"));
  EXPECT_THAT(seen(client, second), IsEmpty());
  EXPECT_THAT(routed(&second.state.netmap.self), IsEmpty());
}

TEST_F(TwoRouters, MoveItASecondAfterTheOneInUseLeft) {
  hang_up(router);
  advance(500ms);
  EXPECT_THAT(seen(client, router), ElementsAre("10.77.0.0/24"));
  advance(700ms);
  EXPECT_THAT(seen(client, router), IsEmpty());
  EXPECT_THAT(seen(client, second), ElementsAre("10.77.0.0/24"));
  EXPECT_THAT(routed(&second.state.netmap.self), ElementsAre("10.77.0.0/24"));
  EXPECT_EQ(peer(client, router)->online, true) << "to others it is not offline for ten seconds";
}

TEST_F(TwoRouters, DoNotMoveItForAReconnect) {
  hang_up(router);
  advance(900ms);
  poll(router);
  advance(5s);
  EXPECT_THAT(seen(client, router), ElementsAre("10.77.0.0/24"));
}

TEST_F(TwoRouters, DoNotMoveItBack) {
  hang_up(router);
  advance(20s);
  poll(router);
  advance(5s);
  EXPECT_THAT(seen(client, second), ElementsAre("10.77.0.0/24"));
  EXPECT_THAT(seen(client, router), IsEmpty());
}

TEST_F(TwoRouters, LeaveItWhereItIsWhileNobodyElseIsThere) {
  hang_up(second);
  advance(20s);
  hang_up(router);
  advance(20s);
  EXPECT_THAT(seen(client, router), ElementsAre("10.77.0.0/24"));
  poll(second);
  settle();
  EXPECT_THAT(seen(client, second), ElementsAre("10.77.0.0/24")) << "now there is one";
}

TEST_F(TwoRouters, MoveItWhenTheApprovalTheOfferOrTheNodeGoes) {
  approve(router, {});
  EXPECT_THAT(seen(client, second), ElementsAre("10.77.0.0/24"));
  approve(router, {"10.77.0.0/24"});
  offer(second, {});
  EXPECT_THAT(seen(client, router), ElementsAre("10.77.0.0/24"));
  offer(second, {"10.77.0.0/24"});
  api("DELETE", device(router));
  settle();
  EXPECT_THAT(seen(client, second), ElementsAre("10.77.0.0/24"));
}

TEST_F(TwoRouters, MoveItWhenTheKeyOfTheOneInUseIsOver) {
  api("POST", device(router) + "/expire", Json::object());
  settle();
  EXPECT_THAT(seen(client, second), ElementsAre("10.77.0.0/24"));
}

TEST_F(TwoRouters, KeepTheChoiceOverARestartOfTheServer) {
  hang_up(router);
  advance(3s);
  EXPECT_THAT(seen(client, second), ElementsAre("10.77.0.0/24"));
  start();
  for (Machine* m : {&router, &client, &second}) poll(*m);  // the other one comes first
  advance(15s);
  EXPECT_THAT(seen(client, second), ElementsAre("10.77.0.0/24"));
  EXPECT_THAT(seen(client, router), IsEmpty());
  start();
  for (Machine* m : {&router, &client}) poll(*m);
  advance(9s);
  EXPECT_THAT(seen(client, second), ElementsAre("10.77.0.0/24")) << "it may still come back";
  advance(2s);
  EXPECT_THAT(seen(client, router), ElementsAre("10.77.0.0/24"));
}

TEST_F(Routing, LeavesALineInTheLogForEveryChange) {
  approve(router, {"10.77.0.0/24"});
  const auto lines = storage->audit_log(node(router).account(), {}, 100);
  EXPECT_EQ(lines->back().property, "ALLOWED_IPS");
  EXPECT_EQ(lines->back().new_value, R"(["10.77.0.0/24"])");
  approve(router, {"10.77.0.0/24"});
  EXPECT_EQ(storage->audit_log(node(router).account(), {}, 100)->size(), lines->size());
}

TEST_F(Routing, ApprovedRoutesAreASetInOrderOfAddresses) {
  const std::vector<std::string> in_order{"2.0.0.0/24", "10.0.1.0/24", "2001:db8::/64"};
  EXPECT_EQ(
      approve(router, {"2001:db8::/64", "10.0.1.0/24", "2.0.0.0/24"})["enabledRoutes"], in_order);
  const auto lines = storage->audit_log(node(router).account(), {}, 100);
  EXPECT_EQ(
      approve(router, {"10.0.1.0/24", "2001:db8::/64", "2.0.0.0/24"})["enabledRoutes"], in_order);
  EXPECT_EQ(storage->audit_log(node(router).account(), {}, 100)->size(), lines->size());
}

TEST_F(Routing, RefusesWhatIsNoRouteAndTakesSitesOf4Via6) {
  const auto status = [&](const Json& body) {
    api("POST", device(router) + "/routes", body);
    return reply.status;
  };
  EXPECT_EQ(status(Json::object()), 400) << "an empty body takes nothing away";
  EXPECT_EQ(status({{"routes", "10.0.0.0/8"}}), 400);
  EXPECT_EQ(status({{"routes", {"100.0.0.0/8"}}}), 400);
  EXPECT_EQ(status({{"routes", {"fd7a:115c:a1e0::/64"}}}), 400);
  EXPECT_EQ(status({{"routes", {"fd7a:115c:a1e0:b1a:0:7:c0a8:100/120"}}}), 200);
  EXPECT_EQ(status({{"routes", {"192.168.1.1/32", "2001:db8::/64"}}}), 200);
}

TEST_F(Routing, AnswersAsRecorded) {
  Machine& none = joined("db");
  const std::map<std::string, std::string> names = {
      {"n2kWeb1CNTRL", node(router).record.stable_id},
      {"n2kDb01CNTRL", node(none).record.stable_id}};
  offer(router, {"10.77.0.0/24", "0.0.0.0/0", "::/0"});
  const auto cases = test::vector_cases("api", "routes.json");
  for (const Json& c : cases) {
    approve(router, {"10.77.0.0/24"});
    run_case(c, names);
  }
  EXPECT_EQ(cases_run, cases.size());
}

}  // namespace
}  // namespace aya::serve
