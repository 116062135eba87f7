// One machine shown to another account: what each side sees, and that nobody sees more.
#include <random>

#include "tests/coord-server/serve/bench.h"

namespace aya::serve {
namespace {

using testing::HasSubstr;

constexpr const char* kOpen = R"({"grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"]}]})";
constexpr const char* kClosed = R"({"grants": []})";
constexpr const char* kGuestsToo =
    R"({"grants": [{"src": ["autogroup:member"], "dst": ["*"], "ip": ["tcp:22"]},
                   {"src": ["autogroup:shared"], "dst": ["*"], "ip": ["tcp:80"]}]})";
constexpr const char* kMembersOnly =
    R"({"grants": [{"src": ["autogroup:member"], "dst": ["*"], "ip": ["*"]}]})";

class Sharing : public Bench {
 protected:
  Sharing() {
    for (const char* name : {"lab", "farm"}) add_account(name);
  }
  void add_account(const std::string& name) {
    const Json made =
        api("POST", "/api/v2/accounts", {{"name", name}, {"owner", name + "@" + name + ".test"}});
    ASSERT_EQ(reply.status, 200) << made;
  }
  // On behalf of the owner of an account.
  Json as(
      const std::string& account, const std::string& method, const std::string& target,
      const Json& body = {}, const std::string& query = "") {
    return api(method, "/api/v2" + target + "?account=" + account + query, body);
  }
  Machine& joined_in(const std::string& account, const std::string& host_name) {
    const Json key = as(account, "POST", "/tailnet/-/keys", {});
    Machine& m = machine(host_name);
    EXPECT_EQ(send_register(m, register_request(m, key.at("key").get<std::string>())).error, "");
    EXPECT_EQ(poll(m), 200);
    return m;
  }
  void settle() { advance(2 * mapper::MapStreams::kGatherAtMost); }
  std::string id(const Machine& m) { return node(m).record.stable_id; }
  Json invite(const Machine& device, const Json& wish = Json::object()) {
    const Json made =
        as(account_of(device), "POST", "/device/" + id(device) + "/device-invites",
           Json::array({wish}));
    EXPECT_EQ(reply.status, 200) << made;
    return made.at(0);
  }
  int accept(const std::string& account, const Json& invite) {
    as(account, "POST", "/device-invites/-/accept", {{"invite", invite.at("inviteUrl")}});
    settle();
    return reply.status;
  }
  void set_policy(const std::string& account, const char* text) {
    as(account, "POST", "/tailnet/-/acl", Json::parse(text));
    EXPECT_EQ(reply.status, 200) << as_text(reply.body);
    settle();
  }
  std::string account_of(const Machine& m) {
    return coordinator->registry().account(node(m).record.account)->name;
  }
  void edit(const Machine& m, const std::string& address) {
    as(account_of(m), "POST", "/device/" + id(m) + "/ip", {{"ipv4", address}});
    settle();
  }
  static std::string v4(const control::Node* seen) {
    return seen == nullptr ? "" : seen->addresses.at(0).address.to_text();
  }
  static const control::FilterRules& filter(const Machine& m) {
    return m.state.netmap.packet_filters.at("base");
  }
};

TEST_F(Sharing, ShowsOneMachineToTheOtherAccountUntilItIsTakenBack) {
  Machine& web = joined_in("default", "web");
  Machine& other = joined_in("default", "other");
  Machine& guest = joined_in("lab", "guest");
  EXPECT_EQ(peer(guest, web), nullptr);
  const Json link = invite(web);
  settle();
  EXPECT_EQ(peer(guest, web), nullptr) << "nobody followed the link";
  ASSERT_EQ(accept("lab", link), 200) << as_text(reply.body);

  const control::Node* seen = peer(guest, web);
  ASSERT_NE(seen, nullptr);
  EXPECT_EQ(seen->name, "web.default.mesh.test.");
  EXPECT_TRUE(seen->is_jailed);
  EXPECT_GT(seen->sharer.value, 0);
  EXPECT_TRUE(guest.state.netmap.user_profiles.contains(seen->user));
  const control::Node* seen_by_web = peer(web, guest);
  ASSERT_NE(seen_by_web, nullptr);
  EXPECT_TRUE(seen_by_web->hostinfo->sharee_node);
  EXPECT_FALSE(seen_by_web->is_jailed);
  EXPECT_EQ(peer(guest, other), nullptr);
  EXPECT_EQ(peer(other, guest), nullptr);
  EXPECT_TRUE(guest.state.netmap.dns->routes.contains("default.mesh.test"));

  EXPECT_EQ(accept("farm", link), 409) << "good for one";
  EXPECT_EQ(accept("default", link), 400) << "its own";
  as("default", "DELETE", "/device-invites/" + link.at("id").get<std::string>());
  ASSERT_EQ(reply.status, 200);
  settle();
  EXPECT_EQ(peer(guest, web), nullptr);
  EXPECT_EQ(peer(web, guest), nullptr);
}

TEST_F(Sharing, FindsAnAddressForEachSideWhereBothHaveTheSame) {
  Machine& web = joined_in("default", "web");
  Machine& guest = joined_in("lab", "guest");
  edit(web, "100.80.0.1");
  edit(guest, "100.80.0.1");
  ASSERT_EQ(accept("lab", invite(web)), 200);
  const std::string web_is = v4(peer(guest, web)), guest_is = v4(peer(web, guest));
  EXPECT_NE(web_is, "100.80.0.1");
  EXPECT_NE(guest_is, "100.80.0.1");
  EXPECT_EQ(peer(guest, web)->self_v4_masq_addr_for_this_peer->to_text(), guest_is);
  EXPECT_EQ(peer(web, guest)->self_v4_masq_addr_for_this_peer->to_text(), web_is);
  as("lab", "POST", "/device/" + id(guest) + "/ip", {{"ipv4", web_is}});
  EXPECT_EQ(reply.status, 409) << "a stranger has it";
  edit(web, "100.80.0.2");
  EXPECT_EQ(v4(peer(guest, web)), web_is) << "how others know it stays";
  EXPECT_EQ(peer(web, guest)->self_v4_masq_addr_for_this_peer->to_text(), web_is);
  start();  // and after a restart
  poll(guest);
  poll(web);
  EXPECT_EQ(v4(peer(guest, web)), web_is);
  EXPECT_EQ(v4(peer(web, guest)), guest_is);
}

// Does a rule with this destination, or "*", let the source in?
bool lets_in(const control::FilterRules& rules, const std::string& from, const std::string& to) {
  const IpAddress source = *IpAddress::parse(from);
  for (const control::FilterRule& rule : rules) {
    const auto covers = [&](const std::string& text) {
      if (text == "*") return true;
      const auto dash = text.find('-');
      if (dash != std::string::npos) {
        const auto first = IpAddress::parse(text.substr(0, dash));
        const auto last = IpAddress::parse(text.substr(dash + 1));
        return first->is_v4() == source.is_v4() && *first <= source && source <= *last;
      }
      if (const auto alone = IpAddress::parse(text)) return *alone == source;
      return Prefix::parse(text)->contains(source);
    };
    if (std::ranges::none_of(rule.src_ips, covers)) continue;
    for (const auto& port : rule.dst_ports) {
      if (port.ip == to || port.ip == "*") return true;
    }
  }
  return false;
}

TEST_F(Sharing, KeepsTheSharedMachineFromSpeakingFirst) {
  Machine& web = joined_in("default", "web");
  Machine& guest = joined_in("lab", "guest");
  Machine& neighbour = joined_in("lab", "neighbour");
  ASSERT_EQ(accept("lab", invite(web)), 200);
  EXPECT_FALSE(lets_in(filter(guest), v4(peer(guest, web)), v4(&guest.state.netmap.self)));
  EXPECT_TRUE(lets_in(filter(guest), v4(peer(guest, neighbour)), v4(&guest.state.netmap.self)));
  EXPECT_TRUE(lets_in(filter(web), v4(peer(web, guest)), v4(&web.state.netmap.self)));
}

TEST_F(Sharing, LetsBothPoliciesDecide) {
  Machine& web = joined_in("default", "web");
  Machine& guest = joined_in("lab", "guest");
  ASSERT_EQ(accept("lab", invite(web)), 200);
  set_policy("default", kMembersOnly);
  EXPECT_EQ(peer(guest, web), nullptr) << "guests are no members";
  set_policy("default", kGuestsToo);
  ASSERT_NE(peer(guest, web), nullptr);
  ASSERT_EQ(filter(web).size(), 2u);
  set_policy("lab", kClosed);
  EXPECT_EQ(peer(guest, web), nullptr) << "its own policy forbids";
  set_policy("lab", kOpen);
  EXPECT_NE(peer(guest, web), nullptr);
}

TEST_F(Sharing, EndsWithThePeopleWhoAgreedOnIt) {
  Machine& web = joined_in("default", "web");
  Machine& guest = joined_in("lab", "guest");
  const Json other =
      as("default", "POST", "/tailnet/-/users", {{"loginName", "ops"}, {"role", "admin"}});
  ASSERT_EQ(reply.status, 200) << other;
  const std::string held = authorization;
  const Json token =
      as("default", "POST", "/tailnet/-/keys", {{"keyType", "api"}, {"user", "ops"}});
  authorization = "Bearer " + token.at("key").get<std::string>();
  const Json made =
      api("POST", "/api/v2" + ("/device/" + id(web)) + "/device-invites",
          Json::array({Json::object()}));
  ASSERT_EQ(reply.status, 200) << made;
  authorization = held;
  ASSERT_EQ(accept("lab", made.at(0)), 200);
  ASSERT_NE(peer(guest, web), nullptr);
  as("default", "POST", "/users/" + other.at("id").get<std::string>() + "/delete");
  ASSERT_EQ(reply.status, 200) << as_text(reply.body);
  settle();
  EXPECT_EQ(peer(guest, web), nullptr);
  EXPECT_EQ(as("lab", "GET", "/tailnet/-/device-shares").at("in").size(), 0u);
}

// Names are unique within an account only, and whoever rules one is nobody in another.
TEST_F(Sharing, TakesNoGuestForOneOfItsOwnPeople) {
  Machine& web = joined_in("default", "web");
  Machine& guest = joined_in("lab", "guest");
  as("default", "POST", "/tailnet/-/users", {{"loginName", "lab@lab.test"}, {"role", "member"}});
  ASSERT_EQ(accept("lab", invite(web)), 200);
  for (const char* source : {"lab@lab.test", "autogroup:owner", "autogroup:admin", "group:ops"}) {
    const Json policy = {
        {"groups", {{"group:ops", {"lab@lab.test"}}}},
        {"grants", {{{"src", {source}}, {"dst", {"*"}}, {"ip", {"*"}}}}}};
    set_policy("default", policy.dump().c_str());
    EXPECT_EQ(peer(guest, web), nullptr) << source;
  }
  set_policy("default", kGuestsToo);
  EXPECT_NE(peer(guest, web), nullptr);
}

TEST_F(Sharing, LendsAnExitNodeOnlyWhereTheInvitationSaysSo) {
  for (const bool allowed : {false, true}) {
    Machine& web = machine(allowed ? "exit" : "web");
    web.offered = {
        *Prefix::parse("0.0.0.0/0"), *Prefix::parse("::/0"), *Prefix::parse("10.0.0.0/8")};
    const Json key = as("default", "POST", "/tailnet/-/keys", {});
    send_register(web, register_request(web, key.at("key").get<std::string>()));
    poll(web);
    as("default", "POST", "/device/" + id(web) + "/routes",
       {{"routes", {"0.0.0.0/0", "::/0", "10.0.0.0/8"}}});
    Machine& guest = joined_in("lab", allowed ? "g1" : "g2");
    ASSERT_EQ(accept("lab", invite(web, {{"allowExitNode", allowed}})), 200);
    const control::Node* seen = peer(guest, web);
    ASSERT_NE(seen, nullptr);
    EXPECT_EQ(seen->allowed_ips->size(), allowed ? 4u : 2u);
    EXPECT_TRUE(seen->primary_routes.empty());
    const std::string guest_is = v4(peer(web, guest));
    EXPECT_EQ(
        lets_in(filter(web), guest_is, "0.0.0.0-9.255.255.255") ||
            lets_in(filter(web), guest_is, "*"),
        allowed);
  }
}

TEST_F(Sharing, IsToldToBothSidesAndLeftByEither) {
  Machine& web = joined_in("default", "web");
  Machine& guest = joined_in("lab", "guest");
  const Json link = invite(web, {{"email", "lab@lab.test"}});
  ASSERT_EQ(accept("lab", link), 200);
  Json shown = as("lab", "GET", "/device/" + id(web));
  EXPECT_EQ(shown["isExternal"], true);
  EXPECT_EQ(shown["addresses"][0], v4(peer(guest, web)));
  EXPECT_EQ(as("lab", "GET", "/tailnet/-/devices").at("devices").size(), 2u);
  EXPECT_EQ(as("farm", "GET", "/tailnet/-/devices").at("devices").size(), 0u);
  EXPECT_EQ(as("lab", "GET", "/tailnet/-/device-shares").at("in").size(), 1u);
  EXPECT_EQ(as("default", "GET", "/tailnet/-/device-shares").at("out").at(0).at("accepted"), true);
  for (const char* account : {"default", "lab"}) {
    EXPECT_THAT(
        as(account, "GET", "/tailnet/-/logging/configuration", {},
           "&start=2000-01-01T00:00:00Z&end=2100-01-01T00:00:00Z")
            .dump(),
        HasSubstr("ACCEPT"));
  }
  as("farm", "DELETE", "/device-invites/" + link.at("id").get<std::string>());
  EXPECT_EQ(reply.status, 404);
  as("lab", "DELETE", "/device-invites/" + link.at("id").get<std::string>());
  EXPECT_EQ(reply.status, 200);
  settle();
  EXPECT_EQ(peer(guest, web), nullptr);
  EXPECT_EQ(peer(web, guest), nullptr);
}

// --- nothing that anybody does shows more than was shared ---

struct Agreed {
  const Machine* device;
  std::string account;  // to which it is shown
  std::string invite;
};

class SharingAtRandom : public Sharing {
 protected:
  std::size_t pick(std::size_t n) { return dice() % n; }
  Machine& any() { return *alive[pick(alive.size())]; }
  const char* any_account() {
    static constexpr std::array kAccounts = {"default", "lab", "farm"};
    return kAccounts[pick(3)];
  }
  bool agreed(const Machine& device, const Machine& guest) {
    return std::ranges::any_of(shares, [&](const Agreed& share) {
      return share.device == &device && share.account == account_of(guest);
    });
  }

  void step() {
    switch (pick(8)) {
      case 0:
        if (alive.size() < 12) {
          alive.push_back(&joined_in(any_account(), "n" + std::to_string(++named)));
        }
        return settle();
      case 1: {
        if (alive.size() < 6) return;
        Machine& m = any();
        std::erase_if(shares, [&](const Agreed& share) { return share.device == &m; });
        as(account_of(m), "DELETE", "/device/" + id(m));
        std::erase(alive, &m);
        return settle();
      }
      case 2:
      case 3: {
        Machine& device = any();
        const Json link = invite(device, {{"multiUse", pick(2) == 0}});
        const std::string account = any_account();
        if (accept(account, link) == 200) {
          shares.push_back({&device, account, link.at("id").get<std::string>()});
        }
        return;
      }
      case 4: {
        if (shares.empty()) return;
        const Agreed ended = shares[pick(shares.size())];
        const bool by_sharer = pick(2) == 0;
        as(by_sharer ? account_of(*ended.device) : ended.account, "DELETE",
           "/device-invites/" + ended.invite);
        EXPECT_EQ(reply.status, 200) << as_text(reply.body);
        std::erase_if(shares, [&](const Agreed& s) { return s.invite == ended.invite; });
        return settle();
      }
      case 5:
        return edit(any(), "100.90.0." + std::to_string(1 + pick(12)));
      case 6: {
        static constexpr std::array kPolicies = {kOpen, kOpen,   kOpen,      kOpen,
                                                 kOpen, kClosed, kGuestsToo, kMembersOnly};
        return set_policy(any_account(), kPolicies[pick(kPolicies.size())]);
      }
      default:
        start();
        for (Machine* m : alive) poll(*m);
        return settle();
    }
  }

  void check() {
    for (const Machine* viewer : alive) {
      std::set<IpAddress> addresses;
      for (const Prefix& own : viewer->state.netmap.self.addresses) addresses.insert(own.address);
      for (const auto& [peer_id, seen] : viewer->state.netmap.peers) {
        const auto other = std::ranges::find(alive, seen.key, &Machine::key);
        ASSERT_NE(other, alive.end()) << viewer->host_name << " sees one that is gone";
        for (const Prefix& one : seen.addresses) {
          EXPECT_TRUE(addresses.insert(one.address).second) << "one address, two machines";
        }
        if (account_of(**other) == account_of(*viewer)) continue;
        EXPECT_TRUE(agreed(**other, *viewer) || agreed(*viewer, **other))
            << viewer->host_name << " of " << account_of(*viewer) << " sees " << (*other)->host_name
            << " of " << account_of(**other);
        EXPECT_EQ(seen.is_jailed, agreed(**other, *viewer) && !agreed(*viewer, **other));
        ++strangers;
      }
    }
  }

  std::mt19937 dice{11};
  std::vector<Machine*> alive;
  std::vector<Agreed> shares;
  int named = 0;
  std::size_t strangers = 0;
};

TEST_F(SharingAtRandom, NobodySeesAMachineOfAnotherAccountWithoutAShare) {
  for (int i = 0; i < 6; ++i) {
    alive.push_back(&joined_in(any_account(), "n" + std::to_string(++named)));
  }
  for (int i = 0; i < 300; ++i) {
    step();
    check();
    if (HasFailure()) FAIL() << "after step " << i;
  }
  EXPECT_GT(strangers, 500u) << "hardly anybody saw a stranger";
}

}  // namespace
}  // namespace aya::serve
