// Joining, coming back, renewing, leaving (control 9.1, 9.3 - 9.5).
#include "coord-server/nodes/address_rules.h"
#include "tests/coord-server/serve/bench.h"

namespace aya::serve {
namespace {

using Register = Bench;

TEST_F(Register, AdmitsAMachineWithAKeyAndFillsEveryField) {
  Machine& m = machine("alpha");
  const auto answer = send_register(m, register_request(m, auth_key()));
  EXPECT_EQ(answer.error, "");
  EXPECT_EQ(answer.auth_url, "");
  EXPECT_TRUE(answer.machine_authorized);
  EXPECT_FALSE(answer.node_key_expired);
  EXPECT_EQ(answer.login.login_name, "alice");
  EXPECT_EQ(answer.user.id, node(m).record.user);
  const store::NodeRecord& record = node(m).record;
  EXPECT_FALSE(record.stable_id.empty());
  EXPECT_EQ(nodes::rule_for_v4(record.ipv4), nodes::AddressRule::Free);
  EXPECT_TRUE(nodes::may_allocate_v6(record.ipv6));
  EXPECT_EQ(record.key_expiry, wall + std::chrono::days(180));
}

TEST_F(Register, RefusesBadKeysWithATextAndAStatusOf200) {
  Machine& m = machine("alpha");
  const std::string good = auth_key();
  for (std::string bad :
       {std::string("nonsense"), std::string("aykey-auth-"), std::string("aykey-auth-kX-y"),
        good + "x", good.substr(0, good.size() - 1), "aykey-api" + good.substr(10)}) {
    const auto answer = send_register(m, register_request(m, bad));
    EXPECT_NE(answer.error, "") << bad;
    EXPECT_EQ(coordinator->registry().size(), 0u);
  }
}

TEST_F(Register, TakesTheOtherSpellingOfAKey) {
  Machine& m = machine("alpha");
  const std::string key = auth_key();
  EXPECT_EQ(send_register(m, register_request(m, "tskey" + key.substr(5))).error, "");
}

TEST_F(Register, LetsAOneOffKeyInOneMachineOnly) {
  const std::string key = auth_key({{"reusable", false}});
  Machine& a = machine("alpha");
  Machine& b = machine("beta");
  EXPECT_EQ(send_register(a, register_request(a, key)).error, "");
  EXPECT_THAT(send_register(b, register_request(b, key)).error, testing::HasSubstr("used already"));
}

TEST_F(Register, AcceptsASpentKeyFromTheMachineThatSpentIt) {  // T-11
  const std::string key = auth_key({{"reusable", false}});
  Machine& m = machine("alpha");
  send_register(m, register_request(m, key));
  const auto before = node(m).record;
  start();
  EXPECT_EQ(send_register(m, register_request(m, key)).error, "");
  EXPECT_EQ(node(m).record.ipv4, before.ipv4);
  EXPECT_EQ(node(m).record.key_expiry, before.key_expiry) << "T-12: absent says nothing";
}

TEST_F(Register, DoesNotTakeASpentKeyForANewNodeKey) {
  const std::string key = auth_key({{"reusable", false}});
  Machine& m = machine("alpha");
  send_register(m, register_request(m, key));
  m.key = NodePrivateKey::generate(rng).public_key();
  EXPECT_NE(send_register(m, register_request(m, key)).error, "");
}

TEST_F(Register, RefusesAnExpiredAndARevokedKey) {
  Machine& m = machine("alpha");
  const Json key = api("POST", "/api/v2/tailnet/-/keys", {{"expirySeconds", 60}});
  wall += 61s;
  EXPECT_THAT(
      send_register(m, register_request(m, key["key"])).error, testing::HasSubstr("expired"));
  const Json other = api("POST", "/api/v2/tailnet/-/keys", {{"expirySeconds", 60}});
  api("DELETE", "/api/v2/tailnet/-/keys/" + other["id"].get<std::string>());
  EXPECT_THAT(
      send_register(m, register_request(m, other["key"])).error, testing::HasSubstr("revoked"));
}

TEST_F(Register, KeepsNumberNameAndAddressesWhenTheNodeKeyRotates) {
  Machine& m = joined("alpha");
  const store::NodeRecord before = node(m).record;
  control::RegisterRequest request = register_request(m, auth_key());
  request.old_node_key = m.key;
  request.node_key = m.key = NodePrivateKey::generate(rng).public_key();
  EXPECT_EQ(send_register(m, request).error, "");
  const store::NodeRecord& after = node(m).record;
  EXPECT_EQ(after.id, before.id);
  EXPECT_EQ(after.stable_id, before.stable_id);
  EXPECT_EQ(after.ipv4, before.ipv4);
  EXPECT_EQ(after.ipv6, before.ipv6);
  EXPECT_EQ(after.label, before.label);
  EXPECT_EQ(coordinator->registry().size(), 1u);
  EXPECT_EQ(coordinator->registry().find(before.node_key), nullptr);
}

TEST_F(Register, RefusesANodeKeyOfAnotherMachine) {
  Machine& a = joined("alpha");
  Machine& thief = machine("thief");
  thief.key = a.key;
  EXPECT_NE(send_register(thief, register_request(thief, auth_key())).error, "");
  EXPECT_EQ(poll(thief), 404);
}

TEST_F(Register, LogsOutBeforeItLooksAtTheKey) {  // T-13, T-14
  Machine& m = joined("alpha");
  control::RegisterRequest request = register_request(m, auth_key());
  request.expiry = WallTime(123s);
  const auto answer = send_register(m, request);
  EXPECT_EQ(answer.error, "");
  EXPECT_EQ(answer.auth_url, "");
  EXPECT_TRUE(answer.node_key_expired);
  EXPECT_EQ(node(m).record.key_expiry, wall) << "never the instant in 1970";
  EXPECT_TRUE(send_register(m, request).node_key_expired) << "again is no error";
}

TEST_F(Register, LogsInAgainWithTheSameAddressAfterALogOut) {
  Machine& m = joined("alpha");
  const IpAddress address = node(m).record.ipv4;
  control::RegisterRequest out = register_request(m, "");
  out.expiry = WallTime(123s);
  send_register(m, out);
  EXPECT_TRUE(send_register(m, register_request(m, "")).node_key_expired);
  // Clients come with the old key first (control 14), and then with a new one.
  EXPECT_EQ(send_register(m, register_request(m, auth_key())).error, "");
  EXPECT_EQ(node(m).record.ipv4, address);
  EXPECT_GT(node(m).record.key_expiry, wall);
}

TEST_F(Register, DeletesAnEphemeralNodeAtLogOut) {
  Machine& m = machine("build");
  send_register(m, register_request(m, auth_key({{"ephemeral", true}})));
  control::RegisterRequest out = register_request(m, "");
  out.expiry = WallTime(123s);
  EXPECT_TRUE(send_register(m, out).node_key_expired);
  EXPECT_EQ(coordinator->registry().size(), 0u);
  EXPECT_EQ(revoked, std::vector{m.key});
}

TEST_F(Register, ForgetsAnEphemeralNodeThatNeverConnects) {
  Machine& m = machine("build");
  send_register(m, register_request(m, auth_key({{"ephemeral", true}})));
  advance(29min);
  EXPECT_EQ(coordinator->registry().size(), 1u);
  start();  // a restart gives it the whole time again
  advance(31min);
  EXPECT_EQ(coordinator->registry().size(), 0u);
}

TEST_F(Register, ShortensButNeverLengthensALifeByWish) {
  Machine& m = joined("alpha");
  control::RegisterRequest request = register_request(m, "");
  request.expiry = wall + std::chrono::days(365);
  send_register(m, request);
  EXPECT_EQ(node(m).record.key_expiry, wall + std::chrono::days(180));
  request.expiry = wall + std::chrono::hours(1);
  send_register(m, request);
  EXPECT_EQ(node(m).record.key_expiry, wall + std::chrono::hours(1));
}

TEST_F(Register, GivesEveryHostNameALabel) {  // T-18
  EXPECT_EQ(node(joined("リビングの箱")).record.label, "xn--u9j3g3dwdzb8213f");
  EXPECT_EQ(node(joined("リビングの箱")).record.label, "xn---1-zb4a7k3f7eqcx711g");
  EXPECT_EQ(node(joined("🦀")).record.label, "node");
  EXPECT_EQ(node(joined("")).record.label, "node-1");
  EXPECT_EQ(node(joined("Bob's Laptop.local")).record.label, "bobs-laptop");
  Machine& m = joined("リビングの箱");
  EXPECT_EQ(node(m).record.live.hostinfo.hostname, "リビングの箱");
}

TEST_F(Register, RefusesClientsThatAreTooOld) {
  Machine& m = machine("alpha");
  control::RegisterRequest request = register_request(m, auth_key());
  request.version = 105;
  EXPECT_EQ(send(m, "/machine/register", control::encode(request)).response.status, 400);
  EXPECT_EQ(send(m, "/machine/register", "not json").response.status, 400);
}

}  // namespace
}  // namespace aya::serve
