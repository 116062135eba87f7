// Services end to end: their addresses, who answers for them, and what nodes are told (interfaces
// 1.13, control 4.5, 8.2).
#include "tests/coord-server/serve/bench.h"

namespace aya::serve {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

class Services : public Bench {
 protected:
  static std::string path(const std::string& name) {
    return "/api/v2/tailnet/-/services/svc:" + name;
  }
  Json put(const std::string& name, const Json& wish = Json::object()) {
    const Json made = api("PUT", path(name), wish);
    EXPECT_EQ(reply.status, 200) << made;
    settle();
    return made;
  }
  std::string ipv4(const std::string& name) { return api("GET", path(name)).at("addrs").at(0); }

  void settle() { advance(2 * mapper::MapStreams::kGatherFor); }

  // Says so by another hash, and then what, as far as it is asked.
  void offer(Machine& m, const std::vector<std::string>& names, const std::string& hash = "h1") {
    m.received.clear();
    hashes[&m] = hash;
    control::MapRequest lite = with_hash(m);
    lite.omit_peers = true;
    EXPECT_EQ(send_map(m, lite), 200);
    if (!hash.empty()) return tell(m, names);
    settle();
    EXPECT_FALSE(question(m)) << "it has nothing";
  }
  void tell(Machine& m, const std::vector<std::string>& names) {
    Json services = Json::array();
    for (const std::string& name : names) {
      services.push_back({{"Name", "svc:" + name}, {"Ports", {"tcp:443"}}, {"Active", true}});
    }
    services.push_back({{"Name", "svc:drained"}, {"Active", false}});
    const auto asked = question(m);
    ASSERT_TRUE(asked);
    EXPECT_EQ(asked->request.method + ' ' + asked->request.target, "GET /vip-services");
    const std::string said = Json({{"VIPServices", services}, {"ServicesHash", hashes[&m]}}).dump();
    EXPECT_EQ(answer(m, *asked, http::Response::json(200, said)), 200);
    settle();
  }
  control::MapRequest with_hash(const Machine& m) {
    control::MapRequest request = map_request(m);
    request.hostinfo->services_hash = hashes[&m];
    return request;
  }
  void come_back(Machine& m) {
    control::MapRequest request = with_hash(m);
    request.stream = true;
    EXPECT_EQ(send_map(m, request), 200);
  }
  void decide(const std::string& name, const Machine& m, bool approved) {
    api("POST", path(name) + "/device/" + node(m).record.stable_id + "/approved",
        {{"approved", approved}});
    EXPECT_EQ(reply.status, 200) << as_text(reply.body);
    settle();
  }

  // Services' addresses that `viewer` sends to that machine.
  std::vector<std::string> reached_at(const Machine& viewer, const Machine& host) {
    return beyond_own(peer(viewer, host));
  }
  static std::vector<std::string> beyond_own(const control::Node* node) {
    std::vector<std::string> out;
    if (node == nullptr) return out;
    for (const Prefix& prefix : *node->allowed_ips) {
      const bool own = std::ranges::count(node->addresses, prefix) > 0;
      if (!own) out.push_back(prefix.address.to_text());
    }
    return out;
  }
  static std::string capability(const Machine& m, const std::string& name) {
    const auto& caps = m.state.netmap.self.cap_map;
    const auto found = caps.find(name);
    return found == caps.end() || found->second.empty() ? "" : found->second.front().text;
  }
  static std::vector<std::string> looked_up(const Machine& m, const std::string& name) {
    std::vector<std::string> out;
    for (const control::DnsRecord& record : m.state.netmap.dns->extra_records) {
      if (record.name == name + ".default.mesh.test") out.push_back(record.value);
    }
    return out;
  }
  static bool lets_in(const Machine& m, const std::string& address) {
    for (const auto& [name, rules] : m.state.netmap.packet_filters) {
      for (const control::FilterRule& rule : rules) {
        for (const auto& to : rule.dst_ports) {
          if (to.ip == address || to.ip == "*") return true;
        }
      }
    }
    return false;
  }
  void set_policy(const std::string& text) {
    const Json set = api_text("POST", "/api/v2/tailnet/-/acl", text);
    EXPECT_EQ(reply.status, 200) << set;
    settle();
  }

  std::map<const Machine*, std::string> hashes;
  Machine& client = joined("client");
  Machine& first = joined("first");
  Machine& second = joined("second");
};

TEST_F(Services, HaveAddressesThatNobodyElseGets) {
  const Json made = put(
      "web", {{"comment", "front"},
              {"annotations", {{"owner", "ops"}}},
              {"ports", {"tcp:443", "do-not-validate"}},
              {"tags", {"tag:prod"}}});
  EXPECT_EQ(made.at("name"), "svc:web");
  EXPECT_EQ(made.at("annotations"), Json({{"owner", "ops"}}));
  const std::string v4 = made.at("addrs").at(0), v6 = made.at("addrs").at(1);
  EXPECT_EQ(made, api("GET", "/api/v2/tailnet/-/vip-services/svc:web"));
  EXPECT_EQ(api("GET", "/api/v2/tailnet/-/services").at("vipServices"), Json::array({made}));

  for (const Json& wish : {Json{{"ipv4", v4}}, Json{{"ipv6", v6}}}) {
    const Json refused = api("POST", device(client) + "/ip?force=true", wish);
    EXPECT_EQ(reply.status, 409);
    EXPECT_THAT(
        refused.at("message").get<std::string>(), HasSubstr("already assigned to \"svc:web\""));
  }
  api("PUT", path("other"), {{"addrs", {v4}}});
  EXPECT_EQ(reply.status, 409);
  api("PUT", path("other"), {{"addrs", {node(client).record.ipv4.to_text()}}});
  EXPECT_EQ(reply.status, 409);
  EXPECT_THAT(as_text(reply.body), HasSubstr("client"));

  put("web", {{"addrs", {"100.90.0.1"}}});
  EXPECT_EQ(ipv4("web"), "100.90.0.1");
  EXPECT_EQ(api("GET", path("web")).at("addrs").at(1), v6) << "of the other family";
  EXPECT_EQ(api("GET", path("web")).at("comment"), "") << "what is not said is not there";
  api("POST", device(client) + "/ip", {{"ipv4", v4}});
  EXPECT_EQ(reply.status, 409) << "it rests";
  start();
  EXPECT_EQ(ipv4("web"), "100.90.0.1");
  api("DELETE", path("web"));
  EXPECT_EQ(reply.status, 200);
  api("GET", path("web"));
  EXPECT_EQ(reply.status, 404);
  EXPECT_THAT(as_text(reply.body), HasSubstr("service not found"));
  put("web", {{"addrs", {"100.90.0.1"}}});  // it may return to where it was
  const auto log = storage->audit_log(node(client).account(), {.target = "svc:web"}, 10);
  ASSERT_TRUE(log);
  std::vector<std::string> actions;
  for (const auto& entry : *log) actions.push_back(entry.action);
  EXPECT_THAT(actions, ElementsAre("CREATE", "UPDATE", "DELETE", "CREATE"));
}

TEST_F(Services, AreRefusedWhereTheyCannotBe) {
  struct Case {
    const char* path;
    Json wish;
    int status;
  };
  const Case kCases[] = {
      {"web", Json::object(), 400},
      {"svc:", Json::object(), 400},
      {"svc:Web", Json::object(), 400},
      {"svc:-a", Json::object(), 400},
      {"svc:a.b", Json::object(), 400},
      {"svc:web", {{"name", "svc:other"}}, 400},
      {"svc:web", {{"ports", {"443"}}}, 400},
      {"svc:web", {{"ports", {"tcp:0x1"}}}, 400},
      {"svc:web", {{"ports", {"icmp:*"}}}, 400},
      {"svc:web", {{"ports", {"tcp:1,2"}}}, 400},
      {"svc:web", {{"ports", "tcp:443"}}, 400},
      {"svc:web", {{"tags", {"prod"}}}, 400},
      {"svc:web", {{"annotations", {{"a", 1}}}}, 400},
      {"svc:web", {{"comment", std::string(1001, 'x')}}, 400},
      {"svc:web", {{"addrs", {"100.90.0.1", "100.90.0.2"}}}, 400},
      {"svc:web", {{"addrs", {"100.100.100.100"}}}, 400},
      {"svc:web", {{"addrs", {"10.0.0.1"}}}, 400},
      {"svc:web", {{"addrs", {"fd7a:115c:a1e0::53"}}}, 400},
      {"svc:web", {{"addrs", {"web"}}}, 400},
      {"svc:client", Json::object(), 409},
  };
  for (const Case& c : kCases) {
    api("PUT", std::string("/api/v2/tailnet/-/services/") + c.path, c.wish);
    EXPECT_EQ(reply.status, c.status) << c.path << ' ' << c.wish << as_text(reply.body);
  }
  EXPECT_EQ(api("GET", "/api/v2/tailnet/-/services").at("vipServices"), Json::array());
  put("db", {{"ports", {"tcp:8000-8010", "udp:*", "tcp:*"}}});
  api("POST", device(client) + "/name", {{"name", "db"}});
  EXPECT_EQ(reply.status, 409) << "a service is called so";
  EXPECT_EQ(node(joined("db")).record.label, "db-1");
  for (const char* missing : {"/devices", "/device/1/approved"}) {
    api("GET", path("none") + missing);
    EXPECT_EQ(reply.status, 404);
  }
  api("POST", path("db") + "/device/nope/approved", {{"approved", true}});
  EXPECT_EQ(reply.status, 404);
  api("POST", path("db") + "/device/" + node(client).record.stable_id + "/approved", {});
  EXPECT_EQ(reply.status, 400);
}

TEST_F(Services, AreReachedAtAHostThatOffersThemAndIsApproved) {
  const Json addresses = put("web", {{"ports", {"tcp:443"}}}).at("addrs");
  const std::string v4 = addresses.at(0), v6 = addresses.at(1);
  offer(first, {"web", "unknown"});
  EXPECT_THAT(reached_at(client, first), IsEmpty()) << "it waits for approval";
  EXPECT_EQ(capability(first, "service-host"), "");
  const Json waiting = api("GET", path("web") + "/devices").at("hosts");
  ASSERT_EQ(waiting.size(), 1u);
  EXPECT_EQ(waiting[0].at("stableNodeID"), node(first).record.stable_id);
  EXPECT_EQ(waiting[0].at("approvalLevel"), "not-approved");

  decide("web", first, true);
  EXPECT_THAT(reached_at(client, first), ElementsAre(v4, v6));
  EXPECT_EQ(Json::parse(capability(first, "service-host")), Json({{"svc:web", addresses}}));
  EXPECT_THAT(beyond_own(&first.state.netmap.self), ElementsAre(v4, v6));
  EXPECT_THAT(looked_up(client, "web"), ElementsAre(v4, v6));
  EXPECT_THAT(looked_up(first, "web"), ElementsAre(v4, v6));
  EXPECT_EQ(
      Json::parse(capability(client, "services/svc:web")),
      Json({{"Name", "svc:web"}, {"Addrs", addresses}, {"Ports", {"tcp:443"}}}));
  EXPECT_EQ(
      api("GET", path("web") + "/device/" + node(first).record.stable_id + "/approved"),
      Json({{"approved", true}, {"autoApproved", false}}));

  put("web", {{"addrs", {"100.90.0.1"}}});  // live
  EXPECT_THAT(reached_at(client, first), ElementsAre("100.90.0.1", v6));
  EXPECT_THAT(looked_up(client, "web"), ElementsAre("100.90.0.1", v6));
  EXPECT_THAT(capability(first, "service-host"), HasSubstr("100.90.0.1"));

  offer(first, {}, "");  // it takes no more
  EXPECT_THAT(reached_at(client, first), IsEmpty());
  EXPECT_THAT(looked_up(client, "web"), ElementsAre("100.90.0.1", v6)) << "its name stays";
  offer(first, {"web"}, "h2");
  EXPECT_THAT(reached_at(client, first), ElementsAre("100.90.0.1", v6)) << "it was approved before";

  decide("web", first, false);
  EXPECT_THAT(reached_at(client, first), IsEmpty());
  decide("web", first, true);
  api("DELETE", path("web"));
  settle();
  EXPECT_THAT(reached_at(client, first), IsEmpty());
  EXPECT_THAT(looked_up(client, "web"), IsEmpty());
  EXPECT_EQ(capability(first, "service-host") + capability(client, "services/svc:web"), "");
  put("web");
  EXPECT_THAT(reached_at(client, first), IsEmpty()) << "another one of that name";
}

TEST_F(Services, MoveToAnotherHostWhenTheirsIsGoneAndStayThere) {
  const std::string v4 = put("web").at("addrs").at(0);
  for (Machine* host : {&first, &second}) {
    offer(*host, {"web"});
    decide("web", *host, true);
  }
  EXPECT_THAT(reached_at(client, first), Contains(v4));
  EXPECT_THAT(reached_at(client, second), IsEmpty());
  EXPECT_THAT(beyond_own(&second.state.netmap.self), Contains(v4)) << "it is ready to";
  EXPECT_THAT(reached_at(second, first), IsEmpty()) << "it answers itself";
  hang_up(first);
  advance(std::chrono::seconds(60));
  EXPECT_THAT(reached_at(client, second), Contains(v4));
  EXPECT_THAT(reached_at(client, first), IsEmpty());
  come_back(first);
  settle();
  EXPECT_THAT(reached_at(client, second), Contains(v4)) << "nothing moves without need";

  advance(2s);  // saved
  start();
  for (Machine* m : {&client, &first, &second}) come_back(*m);
  settle();
  EXPECT_THAT(reached_at(client, second), Contains(v4)) << "nor by a restart";
  second.received.clear();
  api("DELETE", device(second));
  settle();
  EXPECT_THAT(reached_at(client, first), Contains(v4));
}

TEST_F(Services, AskAgainWhenAHostSaysNothing) {
  put("web");
  hashes[&first] = "h1";
  first.received.clear();
  control::MapRequest lite = with_hash(first);
  lite.omit_peers = true;
  send_map(first, lite);
  EXPECT_TRUE(question(first));
  advance(ServiceQuestions::kPatience + 1s);
  EXPECT_FALSE(question(first)) << "not at once";
  advance(ServiceQuestions::kAskAgain);
  const auto again = question(first);
  ASSERT_TRUE(again);
  EXPECT_EQ(answer(first, *again, http::Response::text(200, "what?")), 200);
  EXPECT_EQ(api("GET", path("web") + "/devices").at("hosts"), Json::array());
  advance(ServiceQuestions::kAskAgain + 1s);
  tell(first, {"web"});
  EXPECT_EQ(api("GET", path("web") + "/devices").at("hosts").size(), 1u);
  advance(1h);
  EXPECT_FALSE(question(first)) << "it has said so";
}

TEST_F(Services, AreForThoseWhomThePolicyLetsIn) {
  const std::string v4 = put("web", {{"tags", {"tag:prod"}}}).at("addrs").at(0);
  Machine& guest = machine("guest");
  send_register(guest, register_request(guest, auth_key({{"tags", {"tag:guest"}}})));
  poll(guest);
  offer(first, {"web"});
  decide("web", first, true);
  const auto policy = [](const std::string& target) {
    return R"({"tagOwners": {"tag:prod": [], "tag:guest": []},
               "grants": [{"src": ["tag:guest"], "dst": [")" + target + R"("], "ip": ["tcp:443"]}],
               "tests": [
                 {"src": "tag:guest", "accept": ["svc:web:443"], "deny": ["svc:web:80"]}]})";
  };
  for (const std::string& target : {std::string("svc:web"), std::string("tag:prod"), v4}) {
    set_policy(policy(target));
    EXPECT_THAT(reached_at(guest, first), Contains(v4)) << target;
    EXPECT_THAT(looked_up(guest, "web"), Contains(v4));
    EXPECT_TRUE(lets_in(first, v4)) << target;
    EXPECT_FALSE(lets_in(first, node(first).record.ipv4.to_text())) << target;
    EXPECT_EQ(peer(client, first), nullptr) << "nobody lets it";
    EXPECT_THAT(looked_up(client, "web"), IsEmpty());
    EXPECT_EQ(capability(client, "services/svc:web"), "");
    const auto verdict = [&](const std::string& from_to) {
      return api("GET", "/api/v2/tailnet/-/acl/who?port=443&" + from_to).value("verdict", "");
    };
    EXPECT_EQ(verdict("src=tag:guest&dst=svc:web"), "accept") << target;
    EXPECT_EQ(verdict("src=alice@&dst=svc:web"), "drop");
    EXPECT_EQ(verdict("src=svc:web&dst=" + v4), "drop") << "nothing comes from a service";
  }
  put("web");  // without its tag
  EXPECT_THAT(reached_at(guest, first), Contains(v4)) << "by its address";
  set_policy(R"({"grants": []})");
  EXPECT_EQ(peer(guest, first), nullptr);
  EXPECT_FALSE(lets_in(first, v4));
  EXPECT_THAT(looked_up(guest, "web"), IsEmpty());
  EXPECT_THAT(looked_up(first, "web"), Contains(v4)) << "who answers for it knows its name";
  api_text("POST", "/api/v2/tailnet/-/acl", policy("svc:other"));
  EXPECT_EQ(reply.status, 400) << "its test is not met";
}

TEST_F(Services, AreApprovedByThePolicy) {
  set_policy(R"({"tagOwners": {"tag:prod": []}, "autoApprovers": {"services": {
      "svc:web": ["alice@"], "tag:prod": ["alice@"]}}})");
  offer(first, {"web", "shop", "db"});
  const std::string web = put("web").at("addrs").at(0);
  const std::string shop = put("shop", {{"tags", {"tag:prod"}}}).at("addrs").at(0);
  put("db");
  EXPECT_THAT(reached_at(client, first), Contains(web));
  EXPECT_THAT(reached_at(client, first), Contains(shop));
  EXPECT_EQ(reached_at(client, first).size(), 4u) << "not db";
  EXPECT_EQ(
      api("GET", path("web") + "/device/" + node(first).record.stable_id + "/approved"),
      Json({{"approved", true}, {"autoApproved", true}}));
  decide("web", first, false);
  offer(first, {"web"}, "h2");
  EXPECT_THAT(reached_at(client, first), Not(Contains(web))) << "a person has said no";
}

TEST_F(Services, AreNothingToOtherAccounts) {
  api("POST", "/api/v2/accounts", {{"name", "lab"}, {"owner", "dora"}});
  const Json key = api("POST", "/api/v2/tailnet/-/keys?account=lab", Json::object());
  Machine& stranger = machine("stranger");
  send_register(stranger, register_request(stranger, key.at("key")));
  poll(stranger);
  const Json addresses = put("web").at("addrs");
  offer(first, {"web"});
  decide("web", first, true);
  const Json invite =
      api("POST", device(first) + "/device-invites", Json::array({Json::object()}));
  api("POST", "/api/v2/device-invites/-/accept?account=lab",
      {{"invite", invite.at(0).at("inviteUrl")}});
  EXPECT_EQ(reply.status, 200) << as_text(reply.body);
  settle();
  ASSERT_NE(peer(stranger, first), nullptr);
  EXPECT_THAT(reached_at(stranger, first), IsEmpty());
  EXPECT_THAT(looked_up(stranger, "web"), IsEmpty());
  const Json theirs =
      api("PUT", path("web") + "?account=lab", {{"addrs", {addresses.at(0)}}}).at("addrs");
  EXPECT_EQ(reply.status, 200) << "IPv4 addresses are each account's own";
  EXPECT_EQ(theirs.at(0), addresses.at(0));
  api("PUT", path("other") + "?account=lab", {{"addrs", {addresses.at(1)}}});
  EXPECT_EQ(reply.status, 409) << "IPv6 addresses are not";
  EXPECT_THAT(as_text(reply.body), Not(HasSubstr("svc:web")));
}

TEST_F(Services, NeedTheirScope) {
  put("web");
  const auto token = [&](const Json& scopes) {
    authorization.clear();
    const Json client_key = api(
        "POST", "/api/v2/tailnet/-/keys",
        {{"keyType", "client"}, {"scopes", scopes}, {"tags", {"tag:a"}}});
    authorization = "none";
    const Json access = api_text(
        "POST", "/api/v2/oauth/token",
        "client_id=" + client_key.at("id").get<std::string>() +
            "&client_secret=" + client_key.at("key").get<std::string>());
    authorization = "Bearer " + access.at("access_token").get<std::string>();
  };
  token({"services:read"});
  api("GET", path("web"));
  EXPECT_EQ(reply.status, 200);
  api("PUT", path("web"), Json::object());
  EXPECT_EQ(reply.status, 403);
  token({"services", "devices:core"});
  api("PUT", path("web"), Json::object());
  EXPECT_EQ(reply.status, 200);
  token({"devices:core"});
  api("GET", path("web"));
  EXPECT_EQ(reply.status, 403);
}

}  // namespace
}  // namespace aya::serve
