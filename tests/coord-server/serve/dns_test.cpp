// DNS end to end: what people say about names, and what nodes are told of it (interfaces 1.10,
// control 6.8).
#include "tests/coord-server/serve/api_vectors.h"

namespace aya::serve {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class Dns : public ApiVectors {
 protected:
  static constexpr const char* kDns = "/api/v2/tailnet/-/dns/";

  Json set(const char* method, const char* part, const Json& body, int status = 200) {
    const Json answer = api(method, std::string(kDns) + part, body);
    EXPECT_EQ(reply.status, status) << part << ' ' << answer;
    advance(2 * mapper::MapStreams::kGatherFor);
    return answer;
  }
  void reset() { set("POST", "configuration", {{"preferences", {{"magicDNS", true}}}}); }

  static const control::DnsConfig& dns(const Machine& m) { return *m.state.netmap.dns; }
  static std::vector<std::string> records(const Machine& m) {
    std::vector<std::string> out;
    for (const auto& r : dns(m).extra_records) out.push_back(r.name + ' ' + r.type + ' ' + r.value);
    return out;
  }
  void put_record(const Json& record, int status = 200) {
    set("PUT", "records", {{"records", Json::array({record})}}, status);
  }

  Machine& client = joined("client");
};

TEST_F(Dns, IsChangedOnlyIfItIsWhatWasSeen) {
  const std::string path = "/api/v2/tailnet/-/dns/configuration";
  Json dns = api("GET", path);
  const std::string seen(reply.headers.get("ETag"));
  const auto change_if = [&](const std::string& is, const char* server) {
    dns["nameservers"] = {{{"address", server}}};
    http::Request request = http_request("POST", path, dns.dump());
    request.headers.set("If-Match", is);
    return coordinator->on_api(request, {true, "uid 0"}, wall).status;
  };
  EXPECT_EQ(change_if(seen, "192.0.2.1"), 200);
  EXPECT_EQ(change_if(seen, "192.0.2.2"), 412);
  EXPECT_EQ(change_if("*", "192.0.2.2"), 200);
}

TEST_F(Dns, BeginsWithNamesOfDevicesAndNothingElse) {
  control::DnsConfig wanted;
  wanted.proxied = true;
  wanted.domains = {"default.mesh.test"};
  EXPECT_EQ(dns(client), wanted);
}

TEST_F(Dns, ReachesEveryNodeAtOnceAndAlone) {
  Machine& other = joined("other");
  advance(1s);
  client.received.clear();
  const auto before = coordinator->streams().counters();
  set("POST", "configuration",
      {{"nameservers", {{{"address", "9.9.9.9"}, {"useWithExitNode", true}}}},
       {"splitDNS", {{"Corp.Example.", {{{"address", "10.0.0.53"}}}}}},
       {"searchPaths", {"corp.example"}},
       {"preferences", {{"overrideLocalDNS", true}, {"magicDNS", true}}}});
  for (const Machine* m : {&client, &other}) {
    ASSERT_EQ(dns(*m).resolvers.size(), 1u);
    EXPECT_EQ(dns(*m).resolvers[0].addr, "9.9.9.9");
    EXPECT_TRUE(dns(*m).resolvers[0].use_with_exit_node);
    EXPECT_EQ(dns(*m).routes.at("corp.example").at(0).addr, "10.0.0.53");
    EXPECT_THAT(dns(*m).domains, ElementsAre("default.mesh.test", "corp.example"));
  }
  ASSERT_EQ(client.received.size(), 1u);
  EXPECT_TRUE(!client.received[0].node && client.received[0].peers_changed.empty());
  EXPECT_EQ(coordinator->streams().counters().encoded - before.encoded, 1u) << "one for both";
}

TEST_F(Dns, UsesServersAsFallbackUnlessTheyReplaceLocalOnes) {
  set("POST", "nameservers", {{"dns", {"9.9.9.9"}}});
  EXPECT_TRUE(dns(client).resolvers.empty());
  EXPECT_EQ(dns(client).fallback_resolvers.at(0).addr, "9.9.9.9");
}

TEST_F(Dns, KeepsWhatWasSaidOfAServerThatStays) {
  set("POST", "configuration",
      {{"nameservers", {{{"address", "9.9.9.9"}, {"useWithExitNode", true}}}},
       {"preferences", {{"overrideLocalDNS", true}}}});
  set("POST", "nameservers", {{"dns", {"1.1.1.1", "9.9.9.9"}}});
  ASSERT_EQ(dns(client).resolvers.size(), 2u);
  EXPECT_FALSE(dns(client).resolvers[0].use_with_exit_node);
  EXPECT_TRUE(dns(client).resolvers[1].use_with_exit_node);
}

TEST_F(Dns, TakesNamesInAnyScript) {
  Machine& box = joined("リビングの箱");
  advance(1s);
  EXPECT_EQ(peer(client, box)->name, "xn--u9j3g3dwdzb8213f.default.mesh.test.");
  EXPECT_EQ(peer(client, box)->hostinfo->hostname, "リビングの箱") << "what people see";
  Machine& second = joined("リビングの箱");
  EXPECT_EQ(node(second).record.label, "xn---1-zb4a7k3f7eqcx711g");
  api("POST", device(box) + "/name", {{"name", "居間.default.mesh.test"}});
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(node(box).record.label, "xn--igto74k");
  api("POST", device(box) + "/name", {{"name", "📦"}});
  EXPECT_EQ(reply.status, 400);
  set("PUT", "split-dns", {{"会社.example", {"10.0.0.53"}}});
  EXPECT_TRUE(dns(client).routes.contains("xn--6oq404h.example"));
}

TEST_F(Dns, TurnsNamesOfDevicesOff) {
  set("POST", "preferences", {{"magicDNS", false}});
  EXPECT_FALSE(dns(client).proxied);
  EXPECT_THAT(dns(client).domains, IsEmpty());
}

TEST_F(Dns, SurvivesARestart) {
  set("POST", "searchpaths", {{"searchPaths", {"corp.example"}}});
  put_record({{"name", "nas.corp.example"}, {"value", "10.0.0.7"}});
  start();
  poll(client);
  EXPECT_THAT(dns(client).domains, ElementsAre("default.mesh.test", "corp.example"));
  EXPECT_THAT(records(client), ElementsAre("nas.corp.example A 10.0.0.7"));
}

TEST_F(Dns, HandsOutRecordsAndMakesTheirNamesOurs) {
  set("PUT", "split-dns", {{"corp.example", {"10.0.0.53"}}});
  set("PUT", "records",
      {{"records",
        {{{"name", "Printer"}, {"value", "10.0.0.9"}},
         {{"name", "nas.home.example"}, {"type", "AAAA"}, {"value", "2001:DB8::7"}},
         {{"name", "nas.corp.example"}, {"value", "10.0.0.7"}}}}});
  EXPECT_THAT(
      records(client), ElementsAre(
                           "printer.default.mesh.test A 10.0.0.9",
                           "nas.home.example AAAA 2001:db8::7", "nas.corp.example A 10.0.0.7"));
  const auto& routes = dns(client).routes;
  ASSERT_EQ(routes.size(), 2u) << "names in our own domain and in split ones are asked for anyway";
  EXPECT_TRUE(routes.at("nas.home.example").empty());
}

TEST_F(Dns, LetsANameFollowADevice) {
  Machine& box = joined("box");
  put_record({{"name", "nas.home.example"}, {"type", "CNAME"}, {"value", "box"}});
  const std::string v6 = node(box).record.ipv6.to_text();
  const auto wanted = [&](const std::string& v4) {
    return std::vector<std::string>{"nas.home.example A " + v4, "nas.home.example AAAA " + v6};
  };
  EXPECT_EQ(records(client), wanted(node(box).record.ipv4.to_text()));
  api("POST", device(box) + "/ip", {{"ipv4", "100.80.0.1"}});
  advance(1s);
  EXPECT_EQ(records(client), wanted("100.80.0.1"));
  api("DELETE", device(box));
  advance(1s);
  EXPECT_THAT(records(client), IsEmpty());
}

TEST_F(Dns, LetsEveryNameBelowADeviceLeadToIt) {
  Machine& box = joined("box");
  advance(1s);
  const auto says = [](const control::Node* n) {
    return n->cap_map.contains("dns-subdomain-resolve");
  };
  EXPECT_FALSE(says(peer(client, box)));
  for (const bool on : {true, false}) {
    api("POST", device(box) + "/subdomains", {{"enabled", on}});
    EXPECT_EQ(reply.status, 200);
    advance(1s);
    EXPECT_EQ(says(peer(client, box)), on);
    EXPECT_EQ(says(&box.state.netmap.self), on);
    EXPECT_EQ(says(peer(box, client)), false);
  }
}

TEST_F(Dns, WritesOneLineForAChangeAndNoneForNoChange) {
  const auto lines = [&] { return storage->audit_log(node(client).account(), {}, 100)->size(); };
  const std::size_t before = lines();
  set("POST", "searchpaths", {{"searchPaths", {"corp.example"}}});
  EXPECT_EQ(lines(), before + 1);
  client.received.clear();
  set("POST", "searchpaths", {{"searchPaths", {"Corp.example."}}});
  EXPECT_EQ(lines(), before + 1);
  EXPECT_THAT(client.received, IsEmpty());
}

TEST_F(Dns, RefusesWhatCannotWork) {
  set("POST", "nameservers", Json::object(), 400);
  for (const char* server :
       {"", "100.100.100.100", "127.0.0.1", "0.0.0.0", "224.0.0.1", "fd7a:115c:a1e0::53",
        "1.1.1.1:0", "http://dns.example/", "https://", "1.1.1.1/32", "dns.example"}) {
    set("POST", "nameservers", {{"dns", {server}}}, 400);
  }
  for (const char* server : {"10.0.0.1:5353", "[2001:db8::1]:53", "100.64.0.9"}) {
    set("POST", "nameservers", {{"dns", {server}}});
  }
  for (const char* domain : {"", ".", "a..b", "-a.example", "a b", "x.default.mesh.test"}) {
    set("PATCH", "split-dns", {{domain, {"10.0.0.53"}}}, 400);
  }
  set("POST", "searchpaths", {{"searchPaths", {std::string(64, 'a')}}}, 400);
  put_record({{"name", "a"}, {"value", "elsewhere.example"}}, 400);
  put_record({{"name", "a"}, {"type", "AAAA"}, {"value", "10.0.0.1"}}, 400);
  put_record({{"name", "a"}, {"type", "CNAME"}, {"value", "elsewhere.example"}}, 400);
  put_record({{"name", "a"}, {"type", "CNAME"}, {"value", "a"}}, 400);
}

// The state a recorded case needs: a GET shows what was set before; a PATCH leaves what it does not
// name and had what it takes away.
TEST_F(Dns, AnswersAsRecorded) {
  const auto cases = test::vector_cases("api", "dns.json");
  for (const Json& c : cases) {
    reset();
    const Json& request = c.at("request");
    const Json& shown = c.at("response").at("body");
    const std::string method = request.at("method"), path = request.at("path");
    if (method == "GET") {
      api(path.ends_with("split-dns") ? "PUT" : "POST", path, shown);
      EXPECT_EQ(reply.status, 200) << path;
    } else if (method == "PATCH") {
      Json before = shown;
      for (const auto& [domain, servers] : request.at("body").items()) {
        before[domain] = {"192.0.2.1"};
      }
      api("PUT", path, before);
      EXPECT_EQ(reply.status, 200) << path;
    }
    run_case(c);
  }
  EXPECT_EQ(cases_run, cases.size());
}

}  // namespace
}  // namespace aya::serve
