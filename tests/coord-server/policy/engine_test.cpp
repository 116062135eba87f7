// The engine in step with a network that changes, and what its rules say beyond the golden cases.
#include "coord-server/policy/engine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "coord-server/policy/access_test.h"
#include "tests/coord-server/policy/normal_form.h"

namespace aya::policy {
namespace {

SharedPolicy read(std::string_view text) {
  auto policy = policy_file::read_policy(text, {{"example.com"}});
  EXPECT_TRUE(policy.has_value()) << policy.error().message;
  return *policy;
}

Device device(int id, std::optional<int> owner, std::vector<std::string> tags = {}) {
  Device out;
  out.id = NodeId{id};
  if (owner) out.owner = UserId{*owner};
  out.tags = std::move(tags);
  out.ipv4 = IpAddress::v4(0x64400000u + static_cast<std::uint32_t>(id));
  out.ipv6 = *IpAddress::parse("fd7a:115c:a1e0::" + std::to_string(id));
  return out;
}

const Person kAlice{UserId{1}, "alice@example.com", "owner", false};
const Person kBob{UserId{2}, "bob@example.com", "member", false};

constexpr const char* kBusy = R"({
  "groups": {"group:dev": ["alice@example.com"]},
  "tagOwners": {"tag:web": [], "tag:db": [], "tag:gate": []},
  "grants": [
    {"src": ["group:dev"], "dst": ["tag:web", "10.0.0.0/8"], "ip": ["tcp:443"]},
    {"src": ["tag:web"], "dst": ["tag:db"], "ip": ["5432"], "app": {"example.com/cap/x": [1]}},
    {"src": ["autogroup:member"], "dst": ["autogroup:self"], "ip": ["*"]},
    {"src": ["*"], "dst": ["100.64.0.3"], "ip": ["53"]},
    {"src": ["bob@"], "dst": ["10.1.0.0/16"], "ip": ["*"], "via": ["tag:gate"]},
    {"src": ["bob@"], "dst": ["svc:shop", "100.99.0.0/16"], "ip": ["tcp:443"]},
    {"src": ["10.0.0.0/8"], "dst": ["tag:db"], "ip": ["*"],
     "app": {"tailscale.com/cap/drive": [{}]}},
  ],
  "ssh": [{"action": "accept", "src": ["autogroup:member"], "dst": ["tag:web"], "users": ["root"]}],
})";

Device random_device(std::mt19937& random) {
  const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  static const std::vector<std::string> kTags = {"tag:web", "tag:db", "tag:gate"};
  Device out = device(1 + pick(8), std::nullopt);
  if (pick(2) == 0) {
    out.owner = UserId{1 + pick(2)};
  } else {
    out.tags = {kTags[static_cast<std::size_t>(pick(3))]};
  }
  if (pick(3) == 0)
    out.ipv4 = IpAddress::v4(0x64400000u + 100u + static_cast<std::uint32_t>(out.id.value));
  if (pick(3) == 0) out.routes.push_back(*Prefix::parse("10.1.0.0/16"));
  if (pick(4) == 0) out.carried = out.routes;
  if (pick(5) == 0)
    out.former = {IpAddress::v4(0x64500000u + static_cast<std::uint32_t>(pick(50)))};
  for (const char* name : {"svc:blog", "svc:shop"}) {
    if (pick(3) == 0) out.hosted.emplace_back(name);
  }
  if (pick(2) == 0) out.carries = out.hosted;
  return out;
}

NamedService service(const std::string& name, std::vector<std::string> tags = {}, int number = 1) {
  return {
      "svc:" + name, std::move(tags),
      IpAddress::v4(0x64630000u + static_cast<std::uint32_t>(number)),
      *IpAddress::parse("fd7a:115c:a1e0::99:" + std::to_string(number))};
}

const std::vector<std::string> kServices = {"svc:blog", "svc:shop"};

void change_services(Engine& engine, std::mt19937& random) {
  const std::string& name = kServices[random() % kServices.size()];
  if (random() % 3 == 0) return engine.remove_service(name);
  std::vector<std::string> tags;
  if (random() % 2 == 0) tags.push_back("tag:web");
  engine.put(service(name.substr(4), tags, static_cast<int>(random() % 4)));
}

void expect_same(Engine& grown, Engine& fresh) {
  for (const auto& [id, one] : fresh.devices()) {
    EXPECT_EQ(test::facts_of(grown.filter(id)), test::facts_of(fresh.filter(id))) << id.value;
    EXPECT_EQ(test::facts_of(grown.ssh(id)), test::facts_of(fresh.ssh(id))) << id.value;
    for (const auto& [other, two] : fresh.devices()) {
      EXPECT_EQ(grown.may_meet(id, other), fresh.may_meet(id, other));
      EXPECT_EQ(grown.may_meet(id, other), grown.may_meet(other, id));
      EXPECT_EQ(grown.routes_seen(id, other), fresh.routes_seen(id, other));
    }
  }
}

TEST(Engine, AnswersAfterAnyChangesAsOneThatKnewThemFromTheStart) {
  std::mt19937 random(7);
  const auto policy = read(kBusy);
  Engine grown(policy);
  grown.put(kAlice);
  grown.put(kBob);
  for (int step = 0; step < 300; ++step) {
    if (random() % 5 == 0) {
      grown.remove(NodeId{1 + static_cast<std::int64_t>(random() % 8)});
    } else {
      grown.put(random_device(random));
    }
    if (random() % 40 == 0) {
      Person alice = kAlice;
      alice.login = random() % 2 == 0 ? "carol@example.com" : kAlice.login;
      grown.put(alice);
    }
    if (random() % 4 == 0) change_services(grown, random);
    Engine fresh(policy);
    for (const auto& [id, person] : grown.people()) fresh.put(person);
    for (const auto& [id, one] : grown.devices()) fresh.put(one);
    for (const auto& [name, one] : grown.services()) {
      fresh.put(NamedService{name, one.tags, one.ipv4, one.ipv6});
    }
    expect_same(grown, fresh);
    if (HasFailure()) FAIL() << "after step " << step;
  }
}

TEST(Engine, CompilesOnlyTheFiltersThatSpeakOfWhatChanged) {
  Engine engine(read(R"({
    "tagOwners": {"tag:web": [], "tag:db": []},
    "grants": [
      {"src": ["alice@example.com"], "dst": ["tag:web"], "ip": ["*"]},
      {"src": ["bob@example.com"], "dst": ["tag:db"], "ip": ["*"]},
    ],
  })"));
  engine.put(kAlice);
  engine.put(kBob);
  for (int i = 10; i < 60; ++i) engine.put(device(i, std::nullopt, {"tag:web"}));
  for (int i = 60; i < 70; ++i) engine.put(device(i, std::nullopt, {"tag:db"}));
  const auto ask_all = [&] {
    for (const auto& [id, one] : engine.devices()) engine.filter(id);
  };
  ask_all();
  const auto before = engine.compilations();
  engine.put(device(1, 2));  // a machine of bob's
  ask_all();
  EXPECT_EQ(engine.compilations() - before, 11u);  // its own, and those that let bob in
}

TEST(Engine, LetsExitNodesOutToTheInternetAndNowhereElse) {
  Engine engine(read(R"({"grants": [
    {"src": ["alice@example.com"], "dst": ["autogroup:internet"], "ip": ["*"]}]})"));
  engine.put(kAlice);
  engine.put(kBob);
  engine.put(device(1, 1));
  engine.put(device(2, 2));
  Device exit = device(3, 2);
  exit.routes = {*Prefix::parse("0.0.0.0/0"), *Prefix::parse("::/0")};
  engine.put(exit);
  EXPECT_EQ(engine.routes_seen(NodeId{1}, NodeId{3}).size(), 2u);
  EXPECT_FALSE(engine.may_meet(NodeId{2}, NodeId{3}));
  AddressSet allowed;
  for (const auto& rule : engine.filter(NodeId{3})) {
    for (const auto& dst : rule.dst_ports) allowed.add(test::address_set({dst.ip}));
  }
  EXPECT_TRUE(allowed.contains(*IpAddress::parse("1.1.1.1")));
  EXPECT_FALSE(allowed.contains(*IpAddress::parse("192.168.1.1")));
  EXPECT_FALSE(allowed.contains(exit.ipv4));
}

TEST(Engine, KeepsAnExitNodeFromLeadingWhereItMayNotRoute) {
  Engine engine(read(R"({"grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"]}]})"));
  engine.put(kAlice);
  engine.put(device(1, 1));
  Device exit = device(2, 1);
  exit.routes = {*Prefix::parse("0.0.0.0/0"), *Prefix::parse("::/0")};
  exit.withheld = {*Prefix::parse("192.168.7.0/24")};
  engine.put(exit);
  AddressSet allowed;
  for (const auto& rule : engine.filter(NodeId{2})) {
    for (const auto& dst : rule.dst_ports) allowed.add(test::address_set({dst.ip}));
  }
  EXPECT_FALSE(allowed.contains(*IpAddress::parse("192.168.7.1")));
  EXPECT_TRUE(allowed.contains(*IpAddress::parse("192.168.8.1")));
  EXPECT_TRUE(allowed.contains(*IpAddress::parse("2001:db8::1")));
  EXPECT_TRUE(allowed.contains(exit.ipv4));

  exit.routes.push_back(*Prefix::parse("192.168.7.0/24"));
  exit.withheld.clear();
  engine.put(exit);
  ASSERT_EQ(engine.filter(NodeId{2}).size(), 1u);
  EXPECT_EQ(engine.filter(NodeId{2})[0].dst_ports[0].ip, "*");
}

TEST(Engine, LetsInToAServiceAtItsHostsAndNoFurther) {
  const NamedService shop = service("shop", {"tag:web"});
  const std::string v4 = shop.ipv4.to_text(), v6 = shop.ipv6.to_text();
  struct Case {
    const char* destination;
    std::vector<std::string> let_in;  // at the host, besides its own addresses
  };
  const Case kCases[] = {
      {"svc:shop", {v4, v6}}, {"svc:blog", {}},         {"tag:web", {v4, v6}},
      {"tag:db", {}},         {"100.99.0.1", {v4}},     {"100.99.0.0/16", {"100.99.0.0/16"}},
      {"*", {"*"}},           {"autogroup:member", {}},
  };
  for (const Case& c : kCases) {
    Engine engine(
        read(R"({"tagOwners": {"tag:web": [], "tag:db": []}, "grants": [
          {"src": ["alice@example.com"], "dst": [")" +
             std::string(c.destination) + R"("], "ip": ["tcp:443"]}]})"));
    engine.put(kAlice);
    engine.put(kBob);
    engine.put(device(1, 1));
    engine.put(device(2, 2));
    Device host = device(3, std::nullopt, {"tag:gate"});
    host.hosted = host.carries = {"svc:shop"};
    engine.put(host);
    EXPECT_TRUE(engine.filter(host.id).empty() || std::string_view(c.destination) == "*");
    engine.put(shop);
    std::vector<std::string> let_in;
    for (const auto& rule : engine.filter(host.id)) {
      for (const auto& to : rule.dst_ports) let_in.push_back(to.ip);
    }
    EXPECT_EQ(let_in, c.let_in) << c.destination;
    const std::size_t seen = c.let_in.empty() ? 0 : 2;
    EXPECT_EQ(engine.routes_seen(NodeId{1}, host.id).size(), seen) << c.destination;
    EXPECT_EQ(engine.may_meet(NodeId{1}, host.id), seen > 0) << c.destination;
    EXPECT_EQ(engine.may_use_service(NodeId{1}, "svc:shop"), seen > 0);
    EXPECT_TRUE(engine.routes_seen(NodeId{2}, host.id).empty());
    EXPECT_FALSE(engine.may_use_service(NodeId{2}, "svc:shop"));
    host.carries.clear();  // another one does
    engine.put(host);
    EXPECT_TRUE(engine.routes_seen(NodeId{1}, host.id).empty());
    engine.remove_service("svc:shop");
    EXPECT_FALSE(engine.may_use_service(NodeId{1}, "svc:shop"));
  }
}

TEST(Engine, ApprovesHostsOfServicesByNameAndByTag) {
  Engine engine(read(R"({
    "tagOwners": {"tag:web": [], "tag:gate": []},
    "autoApprovers": {"services": {"svc:shop": ["tag:gate"], "tag:web": ["bob@example.com"]}}})"));
  const Device gate = device(1, std::nullopt, {"tag:gate"}), bobs = device(2, 2);
  EXPECT_TRUE(engine.auto_approved(gate, nullptr, service("shop")));
  EXPECT_FALSE(engine.auto_approved(gate, nullptr, service("blog", {"tag:web"})));
  EXPECT_TRUE(engine.auto_approved(bobs, &kBob, service("blog", {"tag:web"})));
  EXPECT_FALSE(engine.auto_approved(bobs, &kAlice, service("blog", {"tag:web"})));
  EXPECT_FALSE(engine.auto_approved(bobs, &kBob, service("shop")));
}

TEST(AccessTests, KnowServicesThatNobodyAnswersForYet) {
  Engine engine(read(R"({
    "tagOwners": {"tag:web": []},
    "acls": [{"action": "accept", "src": ["alice@example.com"],
              "dst": ["svc:shop:443", "tag:web:443"]}],
    "tests": [
      {"src": "alice@example.com", "accept": ["svc:shop:443"],
       "deny": ["svc:shop:80", "svc:x:443"]},
      {"src": "bob@example.com", "deny": ["svc:shop:443"]},
    ]})"));
  engine.put(kAlice);
  engine.put(kBob);
  EXPECT_TRUE(run_tests(engine, engine.policy().tests).empty());
  engine.put(service("x", {"tag:web"}));
  const auto failures = run_tests(engine, engine.policy().tests);
  ASSERT_EQ(failures.size(), 1u) << "its tag makes it a destination";
  EXPECT_EQ(failures[0].who, "alice@example.com");
  EXPECT_FALSE(policy_file::read_policy(
      R"({"grants": [{"src": ["svc:shop"], "dst": ["*"], "ip": ["*"]}]})", {{"example.com"}}));
}

TEST(Engine, AsksForTheStateOfADevice) {
  Engine engine(read(R"({
    "postures": {"posture:new": ["node:tsVersion >= '1.90'", "node:os IN ['linux', 'macos']"]},
    "grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"], "srcPosture": ["posture:new"]}]})"));
  engine.put(kAlice);
  Device fresh = device(1, 1), stale = device(2, 1);
  fresh.posture = {{"node:tsVersion", "1.102.5"}, {"node:os", "linux"}};
  stale.posture = {{"node:tsVersion", "1.88.1"}, {"node:os", "linux"}};
  engine.put(fresh);
  engine.put(stale);
  const auto rules = engine.filter(NodeId{2});
  ASSERT_EQ(rules.size(), 1u);
  EXPECT_TRUE(test::address_set(rules[0].src_ips).contains(fresh.ipv4));
  EXPECT_FALSE(test::address_set(rules[0].src_ips).contains(stale.ipv4));

  // Only what a condition says of it is worth another compilation.
  const auto version = engine.filter_version(NodeId{1});
  stale.posture["node:tsVersion"] = "1.88.2";
  engine.put(stale);
  EXPECT_EQ(engine.filter_version(NodeId{1}), version);
  stale.posture["node:tsVersion"] = "1.90.0";
  engine.put(stale);
  EXPECT_NE(engine.filter_version(NodeId{1}), version);
  EXPECT_TRUE(test::address_set(engine.filter(NodeId{1})[0].src_ips).contains(stale.ipv4));
}

TEST(Engine, MeansAMachineAlsoAtAnAddressThatItIsLeaving) {
  Engine engine(read(R"({
    "hosts": {"db": "100.80.0.1"},
    "tagOwners": {"tag:app": ["alice@example.com"]},
    "grants": [{"src": ["tag:app"], "dst": ["db"], "ip": ["tcp:5432"]},
               {"src": ["db"], "dst": ["tag:app"], "ip": ["tcp:80"]}]})"));
  engine.put(kAlice);
  Device db = device(1, 1), app = device(2, std::nullopt, {"tag:app"});
  engine.put(app);
  engine.put(db);
  EXPECT_FALSE(engine.may_meet(NodeId{1}, NodeId{2}));
  db.former = {*IpAddress::parse("100.80.0.1")};
  engine.put(db);
  EXPECT_TRUE(engine.may_meet(NodeId{1}, NodeId{2}));
  ASSERT_EQ(engine.filter(NodeId{1}).size(), 1u);
  EXPECT_EQ(engine.filter(NodeId{1})[0].dst_ports[0].ip, "100.80.0.1");
  ASSERT_EQ(engine.filter(NodeId{2}).size(), 1u);
  EXPECT_TRUE(test::address_set(engine.filter(NodeId{2})[0].src_ips).contains(db.former[0]));
  app.former = {*IpAddress::parse("100.80.0.2")};
  engine.put(app);
  EXPECT_TRUE(test::address_set(engine.filter(NodeId{1})[0].src_ips).contains(app.former[0]));
}

TEST(Engine, TakesSetsOfAddressesApart) {
  Engine engine(read(R"({
    "hosts": {"printer": "10.0.0.9"},
    "ipsets": {"ipset:lan": ["add 10.0.0.0/24", "remove printer"]},
    "grants": [{"src": ["ipset:lan"], "dst": ["*"], "ip": ["*"]}]})"));
  engine.put(device(1, std::nullopt, {"tag:x"}));
  const AddressSet from = test::address_set(engine.filter(NodeId{1}).at(0).src_ips);
  EXPECT_TRUE(from.contains(*IpAddress::parse("10.0.0.8")));
  EXPECT_FALSE(from.contains(*IpAddress::parse("10.0.0.9")));
}

struct Refused {
  const char* policy;
  const char* message;
};

class Refusals : public testing::TestWithParam<Refused> {};

TEST_P(Refusals, SayWhatIsWrong) {
  const auto policy = policy_file::read_policy(GetParam().policy, {{"example.com"}});
  ASSERT_FALSE(policy.has_value());
  EXPECT_EQ(policy.error().message, GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Policy, Refusals,
    testing::Values(
        Refused{"{\n\"aclz\": []}", "unknown field \"aclz\": line 2, column 1"},
        Refused{
            "{\"acls\": [{\"action\": \"accept\", \"sources\": []}]}",
            "acls: unknown field \"sources\": line 1, column 32"},
        Refused{"{\"acls\": 1}", "acls: want a list: line 1, column 10"},
        Refused{"[]", "want an object: line 1, column 1"},
        Refused{"{\"hosts\": {\"a\": \"x\"}}", "hosts[\"a\"]: invalid IP address or prefix \"x\""},
        Refused{
            "{\"tagOwners\": {\"tag:a\": [\"tag:b\"]}}",
            "tagOwners[\"tag:a\"]: tag not found: \"tag:b\""},
        Refused{
            "{\"ipsets\": {\"ipset:a\": [\"ipset:a\"]}}",
            "ipsets[\"ipset:a\"]: an ipset cannot contain itself"},
        Refused{
            "{\"grants\": [{\"src\": [\"*\"], \"dst\": [\"*\"], \"ip\": [\"icmp:22\"]}]}",
            "ip=\"icmp:22\": this protocol has no ports; want \"*\""},
        Refused{
            "{\"ssh\": [{\"action\": \"accept\", \"src\": [\"*\"], \"dst\": [\"*\"], "
            "\"users\": [\"root\"]}]}",
            "invalid dst \"*\""}));

TEST(Policy, TheOneThatAccountsBeginWithIsValidAndAllowsEverything) {
  const auto policy = read(policy_file::kDefaultPolicy);
  Engine engine(policy);
  engine.put(kAlice);
  engine.put(kBob);
  engine.put(device(1, 1));
  engine.put(device(2, 2));
  EXPECT_TRUE(engine.may_meet(NodeId{1}, NodeId{2}));
  EXPECT_EQ(engine.filter(NodeId{2}).at(0).dst_ports.at(0).ip, "*");
}

TEST(AccessTests, ImagineMachinesWhereThereAreNone) {
  const auto policy = read(R"({
    "tagOwners": {"tag:web": []},
    "grants": [{"src": ["alice@example.com"], "dst": ["tag:web"], "ip": ["tcp:443"]}],
    "tests": [
      {"src": "alice@example.com", "accept": ["tag:web:443"], "deny": ["tag:web:22"]},
      {"src": "bob@example.com", "deny": ["tag:web:443"]},
      {"src": "bob@example.com", "accept": ["tag:web:443"]},
    ]})");
  Engine engine(policy);
  engine.put(kAlice);
  engine.put(kBob);
  const auto failures = run_tests(engine, policy->tests);
  ASSERT_EQ(failures.size(), 1u);
  EXPECT_EQ(failures[0].who, "bob@example.com");
  EXPECT_EQ(
      failures[0].errors,
      std::vector<std::string>{"address \"tag:web:443\": want: Accept, got: Drop"});
}

}  // namespace
}  // namespace aya::policy
