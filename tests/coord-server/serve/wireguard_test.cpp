// Plain WireGuard devices: what nodes are told of them, and they of nodes, and who says so.
#include "proto/keys/wireguard_text.h"
#include "tests/coord-server/serve/bench.h"

namespace aya::serve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class Wireguard : public Bench {
 protected:
  std::string new_key() {
    return key_text::wireguard_form(NodePrivateKey::generate(rng).public_key());
  }
  Json router(Json more = Json::object()) {
    Json body = {{"name", "router"}, {"publicKey", key}, {"endpoints", {"192.0.2.1:51820"}}};
    body.update(more);
    return body;
  }
  Json add(const Json& body, const std::string& query = "") {
    Json made = api("POST", "/api/v2/tailnet/-/wireguard-peers" + query, body);
    settle();
    return made;
  }
  Json change(const Json& peer, const Json& body) {
    Json changed = api("PATCH", path(peer), body);
    settle();
    return changed;
  }
  static std::string path(const Json& peer) {
    return "/api/v2/wireguard-peers/" + peer.at("nodeId").get<std::string>();
  }
  std::string id(const Machine& m) { return node(m).record.stable_id; }
  void settle() { advance(2 * mapper::MapStreams::kGatherAtMost); }

  // As the map of `viewer` shows the device of that key.
  static const control::Node* seen(const Machine& viewer, const std::string& key) {
    for (const auto& [number, peer] : viewer.state.netmap.peers) {
      if (key_text::wireguard_form(peer.key) == key) return &peer;
    }
    return nullptr;
  }

  Machine& laptop = joined("laptop");
  Machine& phone = joined("phone");
  const std::string key = new_key();
};

TEST_F(Wireguard, ADeviceOfOursIsAPeerOfEveryone) {
  const Json made = add(router(
      {{"routes", {"10.9.0.0/16"}}, {"endpoints", {"192.0.2.1:51820", "[2001:db8::1]:51820"}}}));
  ASSERT_EQ(reply.status, 200) << made;
  for (const Machine* viewer : {&laptop, &phone}) {
    const control::Node* peer = seen(*viewer, key);
    ASSERT_NE(peer, nullptr);
    EXPECT_TRUE(peer->is_wireguard_only);
    EXPECT_TRUE(peer->disco_key.is_zero());
    EXPECT_EQ(peer->home_derp, 0);
    EXPECT_EQ(peer->legacy_derp, "");
    EXPECT_EQ(peer->online, true);
    EXPECT_EQ(peer->name, "router.default.mesh.test.");
    EXPECT_EQ(peer->endpoints.size(), 2u);
    EXPECT_EQ(peer->addresses.at(0).address.to_text(), made.at("addresses").at(0));
    EXPECT_EQ(peer->allowed_ips->back(), *Prefix::parse("10.9.0.0/16"));
    EXPECT_FALSE(peer->self_v4_masq_addr_for_this_peer);
    EXPECT_TRUE(peer->hostinfo);
    EXPECT_FALSE(peer->key_expiry);
  }
  // It may speak to them, as any device may.
  const auto& rules = laptop.state.netmap.packet_filters.at("base");
  EXPECT_FALSE(rules.empty());
}

TEST_F(Wireguard, ItsFileNamesEveryNodeThatMayMeetIt) {
  const Json made = add(router());
  const std::string text = api("GET", path(made) + "/config").at("config");
  EXPECT_THAT(text, HasSubstr("[Interface]\n# PrivateKey = the one that belongs to " + key));
  EXPECT_THAT(
      text, HasSubstr("Address = " + made.at("addresses").at(0).get<std::string>() + "/32"));
  EXPECT_THAT(text, HasSubstr("ListenPort = 51820"));
  for (const Machine* other : {&laptop, &phone}) {
    EXPECT_THAT(
        text, HasSubstr(
                  "[Peer]\nPublicKey = " + key_text::wireguard_form(other->key) +
                  "\nAllowedIPs = " + node(*other).record.ipv4.to_text() + "/32, " +
                  node(*other).record.ipv6.to_text() + "/128\nEndpoint = 192.0.2.7:41641\n"));
  }
  api("POST", "/api/v2/tailnet/-/acl",
      Json::parse(R"({"hosts": {"laptop": ")" + node(laptop).record.ipv4.to_text() +
                  R"("}, "grants": [{"src": ["laptop"], "dst": ["*"], "ip": ["*"]}]})"));
  ASSERT_EQ(reply.status, 200) << as_text(reply.body);
  const std::string fewer = api("GET", path(made) + "/config").at("config");
  EXPECT_THAT(fewer, HasSubstr("# laptop."));
  EXPECT_THAT(fewer, Not(HasSubstr("# phone.")));
}

TEST_F(Wireguard, ACompanyKnowsOnlyThoseItWasTold) {
  const Json made = add(router(
      {{"routes", {"0.0.0.0/0"}},
       {"resolvers", {"10.64.0.1"}},
       {"clientsOnly", true},
       {"clients", {{{"nodeId", id(laptop)}, {"ipv4", "10.66.3.4"}, {"ipv6", "fc00:bbbb::3"}}}}}));
  ASSERT_EQ(reply.status, 200) << made;
  EXPECT_TRUE(made.at("isExitNode").get<bool>());
  EXPECT_EQ(seen(phone, key), nullptr);
  const control::Node* peer = seen(laptop, key);
  ASSERT_NE(peer, nullptr);
  EXPECT_EQ(peer->self_v4_masq_addr_for_this_peer, IpAddress::parse("10.66.3.4"));
  EXPECT_EQ(peer->self_v6_masq_addr_for_this_peer, IpAddress::parse("fc00:bbbb::3"));
  ASSERT_EQ(peer->exit_node_dns_resolvers.size(), 1u);
  EXPECT_EQ(peer->exit_node_dns_resolvers[0].addr, "10.64.0.1");
  EXPECT_EQ(std::ranges::count(*peer->allowed_ips, *Prefix::parse("0.0.0.0/0")), 1);
  EXPECT_EQ(std::ranges::count(*peer->allowed_ips, *Prefix::parse("::/0")), 1);
  EXPECT_FALSE(peer->cap_map.contains("suggest-exit-node")) << "nobody can tell whether it works";

  // Another node, with an address of its own.
  change(made, {{"clients", {{{"nodeId", id(laptop)}, {"ipv4", "10.66.3.4"}},
                             {{"nodeId", id(phone)}, {"ipv4", "10.66.3.5"}}}}});
  ASSERT_NE(seen(phone, key), nullptr);
  EXPECT_EQ(seen(phone, key)->self_v4_masq_addr_for_this_peer, IpAddress::parse("10.66.3.5"));
  EXPECT_FALSE(seen(laptop, key)->self_v6_masq_addr_for_this_peer);
  const std::string text = api("GET", path(made) + "/config").at("config");
  EXPECT_THAT(text, HasSubstr("AllowedIPs = 10.66.3.5/32, "));

  // One that is removed is forgotten here, too, and the rest can be stored again.
  api("DELETE", device(phone));
  settle();
  EXPECT_EQ(api("GET", path(made)).at("clients").size(), 1u);
  change(made, {{"resolvers", Json::array()}});
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(seen(laptop, key)->exit_node_dns_resolvers, IsEmpty());
}

TEST_F(Wireguard, ANodeWithAnotherKeyIsAStrangerThere) {
  const Json made = add(router(
      {{"clientsOnly", true}, {"clients", {{{"nodeId", id(laptop)}, {"ipv4", "10.66.3.4"}}}}}));
  ASSERT_NE(seen(laptop, key), nullptr);
  laptop.key = NodePrivateKey::generate(rng).public_key();
  send_register(laptop, register_request(laptop, auth_key()));
  EXPECT_EQ(poll(laptop), 200);
  EXPECT_EQ(seen(laptop, key), nullptr);
  EXPECT_FALSE(api("GET", path(made)).at("clients").at(0).at("isCurrent").get<bool>());
  // The new key was entered there.
  change(made, {{"clients", {{{"nodeId", id(laptop)}, {"ipv4", "10.66.3.9"}}}}});
  ASSERT_NE(seen(laptop, key), nullptr);
  EXPECT_EQ(seen(laptop, key)->self_v4_masq_addr_for_this_peer, IpAddress::parse("10.66.3.9"));
}

TEST_F(Wireguard, ChangesReachNodesLive) {
  const Json made = add(router());
  laptop.received.clear();
  change(made, {{"endpoints", {"198.51.100.1:4000"}}});
  EXPECT_THAT(seen(laptop, key)->endpoints, ElementsAre(*Endpoint::parse("198.51.100.1:4000")));
  change(made, {{"routes", {"10.9.0.0/16", "::/0"}}});
  EXPECT_EQ(seen(laptop, key)->allowed_ips->size(), 5u);
  change(made, {{"routes", Json::array()}});
  EXPECT_EQ(seen(laptop, key)->allowed_ips->size(), 2u);
  const std::string other = new_key();
  change(made, {{"publicKey", other}});
  EXPECT_EQ(seen(laptop, key), nullptr);
  EXPECT_NE(seen(laptop, other), nullptr);
  const std::size_t messages = laptop.received.size();
  change(made, {{"publicKey", other}, {"routes", Json::array()}});
  EXPECT_EQ(laptop.received.size(), messages) << "nothing changed";
  for (const auto& message : laptop.received) EXPECT_TRUE(message.peers.empty()) << "only deltas";

  // It is a device like others.
  const std::string as_device = "/api/v2/device/" + made.at("nodeId").get<std::string>();
  api("POST", as_device + "/ip", {{"ipv4", "100.64.7.7"}});
  settle();
  EXPECT_EQ(seen(laptop, other)->addresses.at(0), *Prefix::parse("100.64.7.7/32"));
  api("POST", as_device + "/name", {{"name", "gate"}});
  settle();
  EXPECT_EQ(seen(laptop, other)->name, "gate.default.mesh.test.");

  api("DELETE", path(made));
  EXPECT_EQ(reply.status, 200);
  settle();
  EXPECT_EQ(seen(laptop, other), nullptr);
  api("GET", path(made));
  EXPECT_EQ(reply.status, 404);
}

TEST_F(Wireguard, OutlivesARestartAndIsNeverAway) {
  const Json made = add(router({{"routes", {"10.9.0.0/16"}}}));
  start();
  EXPECT_EQ(poll(laptop), 200);
  advance(1h);
  const control::Node* peer = seen(laptop, key);
  ASSERT_NE(peer, nullptr);
  EXPECT_EQ(peer->online, true);
  EXPECT_EQ(peer->primary_routes.size(), 1u);
  EXPECT_EQ(api("GET", path(made)), made);
}

TEST_F(Wireguard, PoliciesSpeakOfItAsOfAnyDevice) {
  api("POST", "/api/v2/tailnet/-/acl", Json::parse(R"({
      "tagOwners": {"tag:gate": [], "tag:other": []},
      "grants": [{"src": ["autogroup:member"], "dst": ["tag:gate"], "ip": ["*"]}]})"));
  ASSERT_EQ(reply.status, 200) << as_text(reply.body);
  const Json made = add(router({{"tags", {"tag:gate"}}}));
  ASSERT_EQ(reply.status, 200) << made;
  EXPECT_NE(seen(laptop, key), nullptr);
  EXPECT_EQ(made.at("user"), "");
  api("POST", "/api/v2/device/" + made.at("nodeId").get<std::string>() + "/tags",
      {{"tags", {"tag:other"}}});
  settle();
  EXPECT_EQ(seen(laptop, key), nullptr);
}

TEST_F(Wireguard, AccountsDoNotSeeEachOthers) {
  api("POST", "/api/v2/accounts", {{"name", "lab"}, {"owner", "o@lab.test"}});
  const Json own = add(router());
  Machine& stranger = machine("stranger");
  const Json auth = api("POST", "/api/v2/tailnet/-/keys?account=lab", {});
  send_register(stranger, register_request(stranger, auth.at("key").get<std::string>()));
  poll(stranger);
  EXPECT_EQ(seen(stranger, key), nullptr);

  // The same company's server, there under another name and address.
  const Json theirs = add(router({{"name", "vpn"}}), "?account=lab");
  ASSERT_EQ(reply.status, 200) << theirs;
  ASSERT_NE(seen(stranger, key), nullptr);
  EXPECT_EQ(seen(stranger, key)->name, "vpn.lab.mesh.test.");
  EXPECT_EQ(seen(laptop, key)->name, "router.default.mesh.test.");

  // Nobody's node can be named a client elsewhere, and their devices are not to be found.
  const Json token = api("POST", "/api/v2/tailnet/-/keys", {{"keyType", "api"}});
  authorization = "Bearer " + token.at("key").get<std::string>();
  api("GET", path(theirs));
  EXPECT_EQ(reply.status, 404);
  api("PATCH", path(theirs), {{"endpoints", {"203.0.113.1:1"}}});
  EXPECT_EQ(reply.status, 404);
  api("PATCH", path(own), {{"clients", {{{"nodeId", id(stranger)}}}}});
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(api("GET", "/api/v2/tailnet/-/wireguard-peers").at("wireguardPeers").size(), 1u);
}

TEST_F(Wireguard, NobodyComesAsIt) {
  add(router());
  Machine& thief = machine("thief");
  thief.key = *key_text::parse_wireguard(key);
  const auto answer = send_register(thief, register_request(thief, auth_key()));
  EXPECT_THAT(answer.error, HasSubstr("plain WireGuard"));
  const nodes::Node* device =
      coordinator->registry().find_wireguard(node(laptop).account(), thief.key);
  ASSERT_NE(device, nullptr);
  EXPECT_NE(device->record.node_key, thief.key);
}

TEST_F(Wireguard, HasNoLoginAndCannotBeShared) {
  const Json made = add(router());
  const std::string at = "/api/v2/device/" + made.at("nodeId").get<std::string>();
  for (const char* verb : {"/expire", "/key"}) {
    api("POST", at + verb, {{"keyExpiryDisabled", false}});
    EXPECT_EQ(reply.status, 400) << verb;
  }
  api("POST", at + "/device-invites", Json::array({Json::object()}));
  EXPECT_EQ(reply.status, 400);
  const Json device = api("GET", at);
  EXPECT_TRUE(device.at("isWireGuardOnly").get<bool>());
  EXPECT_EQ(device.at("connectedToControl"), false);
  EXPECT_FALSE(api("GET", this->device(laptop)).contains("isWireGuardOnly"));
}

TEST_F(Wireguard, EveryChangeStandsInTheAuditLog) {
  const Json made = add(router());
  change(made, {{"endpoints", {"198.51.100.1:4000"}}});
  api("DELETE", path(made));
  const Json log = api("GET", "/api/v2/tailnet/-/logging/configuration?start=2026-01-01T00:00:00Z&"
                              "end=2027-01-01T00:00:00Z").at("logs");
  std::vector<std::string> actions;
  for (const Json& line : log) {
    if (line.at("target").value("id", "") != made.at("nodeId")) continue;
    actions.push_back(line.at("action"));
    EXPECT_FALSE(line.at("actor").empty());
    if (line.at("action") != "UPDATE") continue;
    EXPECT_THAT(line.at("old").dump(), HasSubstr("192.0.2.1:51820"));
    EXPECT_THAT(line.at("new").dump(), HasSubstr("198.51.100.1:4000"));
  }
  EXPECT_THAT(actions, ElementsAre("CREATE", "UPDATE", "DELETE"));
}

TEST_F(Wireguard, RefusesWhatCannotBe) {
  const std::string laptop_key = key_text::wireguard_form(laptop.key);
  struct Row {
    Json more;
    int status;
    const char* says;
  };
  const std::vector<Row> rows = {
      {{{"name", "no name"}}, 400, "invalid label"},
      {{{"name", "laptop"}}, 409, "already used by laptop.default.mesh.test"},
      {{{"publicKey", "abc"}}, 400, "publicKey: want a WireGuard public key"},
      {{{"publicKey", 7}}, 400, "publicKey"},
      {{{"publicKey", laptop_key}}, 409, "publicKey: it is the key of laptop.default"},
      {{{"endpoints", Json::array()}}, 400, "endpoints: want 1 to 16"},
      {{{"endpoints", {"vpn.example:51820"}}}, 400, "want an address and a port"},
      {{{"endpoints", {"192.0.2.1:0"}}}, 400, "want an address and a port"},
      {{{"endpoints", {"100.64.0.1:51820"}}}, 400, "no address that devices can send to"},
      {{{"routes", {"10.0.0.1/8"}}}, 400, "non-address bits"},
      {{{"routes", {"100.64.0.0/16"}}}, 400, "overlaps the account range"},
      {{{"resolvers", {"dns.example"}}}, 400, "resolvers"},
      {{{"ipv4", "10.0.0.1"}}, 400, "10.0.0.1"},
      {{{"ipv4", node(laptop).record.ipv4.to_text()}}, 409, ""},
      {{{"tags", {"gate"}}}, 400, "tag"},
      {{{"user", "mallory"}}, 400, "mallory"},
      {{{"clients", {{{"nodeId", "n1"}}}}}, 404, "device not found"},
      {{{"clients", {{{"nodeId", id(laptop)}, {"ipv4", "fc00::1"}}}}}, 400, "no ipv4 address"},
      {{{"clients", {{{"nodeId", id(laptop)}}, {{"nodeId", id(laptop)}}}}}, 400, "named twice"},
      {{{"clientsOnly", "yes"}}, 400, "clientsOnly"},
  };
  for (const Row& row : rows) {
    add(router(row.more));
    EXPECT_EQ(reply.status, row.status) << row.more;
    EXPECT_THAT(std::string(as_text(reply.body)), HasSubstr(row.says)) << row.more;
  }
  EXPECT_EQ(api("GET", "/api/v2/tailnet/-/wireguard-peers").at("wireguardPeers").size(), 0u);
  add(router());
  add(router({{"name", "again"}}));
  EXPECT_EQ(reply.status, 409);
}

}  // namespace
}  // namespace aya::serve
