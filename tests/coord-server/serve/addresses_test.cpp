// Live addressing end to end: what a request changes, who is told, and the way back (interfaces
// 1.5, control 9.6).
#include "tests/coord-server/serve/bench.h"

namespace aya::serve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class Addressing : public Bench {
 protected:
  void settle() { advance(2 * mapper::MapStreams::kGatherFor); }

  Json edit(const Machine& m, const Json& wish, const std::string& query = "") {
    const Json answer = api("POST", device(m) + "/ip" + query, wish);
    settle();
    return answer;
  }
  std::string ipv4(const Machine& m) { return node(m).record.ipv4.to_text(); }
  static std::vector<std::string> addresses(const control::Node* seen) {
    std::vector<std::string> out;
    if (seen == nullptr) return out;
    EXPECT_EQ(seen->allowed_ips, std::optional(seen->addresses));
    for (const Prefix& one : seen->addresses) {
      if (one.address.is_v4()) out.push_back(one.address.to_text());
    }
    return out;
  }
  std::size_t audit_lines() { return storage->audit_log(node(a).record.account, {}, 1000)->size(); }
  void place(const Machine& m, const std::string& address) {
    edit(m, {{"ipv4", address}});
    ASSERT_EQ(reply.status, 200);
  }

  Machine& a = joined("a");
  Machine& b = joined("b");
};

TEST_F(Addressing, SwapsTwoMachinesInFrontOfEveryone) {
  place(a, "100.80.0.1");
  place(b, "100.80.0.2");
  Machine& onlooker = joined("c");
  const std::size_t before = audit_lines();
  const Json told = edit(a, {{"swapWith", node(b).record.stable_id}});
  ASSERT_EQ(reply.status, 200) << told;
  EXPECT_EQ(told["changes"].size(), 2u);
  EXPECT_THAT(addresses(peer(onlooker, a)), ElementsAre("100.80.0.2"));
  EXPECT_THAT(addresses(peer(onlooker, b)), ElementsAre("100.80.0.1"));
  EXPECT_THAT(addresses(&a.state.netmap.self), ElementsAre("100.80.0.2"));
  EXPECT_THAT(addresses(peer(a, b)), ElementsAre("100.80.0.1"));
  EXPECT_EQ(audit_lines(), before + 2) << "a line for each";
}

TEST_F(Addressing, AppliesAPlanWholeOrNotAtAll) {
  place(a, "100.80.0.1");
  place(b, "100.80.0.2");
  const std::string plan = "/api/v2/tailnet/-/device-ips";
  const auto line = [&](const Machine& m, const char* to) {
    return Json{{"nodeId", node(m).record.stable_id}, {"ipv4", to}};
  };
  Machine& c = joined("c");
  place(c, "100.80.0.3");
  const std::size_t before = audit_lines();
  Json told = api("POST", plan, {{"assignments", {line(a, "100.80.0.2"), line(b, "100.80.0.3")}}});
  EXPECT_EQ(reply.status, 409);
  EXPECT_EQ(told["status"], 409);
  ASSERT_EQ(told["data"].size(), 1u);
  EXPECT_EQ(told["data"][0]["errors"][0], "100.80.0.3 is already assigned to \"c\"");
  EXPECT_EQ(ipv4(a), "100.80.0.1");
  EXPECT_EQ(audit_lines(), before);
  told =
      api("POST", plan,
          {{"assignments", {line(a, "100.80.0.2"), line(b, "100.80.0.3"), line(c, "100.80.0.9")}}});
  EXPECT_EQ(reply.status, 200) << told;
  settle();
  EXPECT_THAT(addresses(peer(c, a)), ElementsAre("100.80.0.2"));
  EXPECT_THAT(addresses(peer(a, b)), ElementsAre("100.80.0.3"));
  EXPECT_THAT(addresses(&c.state.netmap.self), ElementsAre("100.80.0.9"));
}

TEST_F(Addressing, TellsBeforehandAndChangesNothing) {
  place(a, "100.80.0.1");
  Json records;
  records["records"].push_back({{"name", "db.example"}, {"type", "A"}, {"value", "100.80.0.1"}});
  api("PUT", "/api/v2/tailnet/-/dns/records", records);
  ASSERT_EQ(reply.status, 200) << as_text(reply.body);
  const std::size_t before = audit_lines();
  Json told = edit(a, {{"ipv4", "100.80.0.7"}}, "?dryRun=true");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(told["dryRun"], true);
  EXPECT_EQ(told["changes"][0]["new"], "100.80.0.7");
  EXPECT_EQ(ipv4(a), "100.80.0.1");
  EXPECT_EQ(audit_lines(), before);
  Json real = edit(a, {{"ipv4", "100.80.0.7"}});
  EXPECT_EQ(real["breaks"], told["breaks"]) << "the same in the reply";
  std::string texts;
  for (const Json& one : real["breaks"]) texts += one["text"].get<std::string>() + '\n';
  EXPECT_THAT(texts, HasSubstr("DNS record db.example says 100.80.0.1"));
  EXPECT_THAT(texts, HasSubstr("leads to 100.80.0.7"));
  EXPECT_THAT(std::string(reply.headers.get("Warning")), HasSubstr("db.example"));
}

TEST_F(Addressing, UndoesForADayAlsoAfterARestart) {
  place(a, "100.80.0.1");
  place(b, "100.80.0.2");
  edit(a, {{"swapWith", node(b).record.stable_id}});
  start();
  EXPECT_EQ(ipv4(a), "100.80.0.2");
  poll(a);
  api("POST", device(b) + "/ip/undo", Json::object());
  EXPECT_EQ(reply.status, 200) << as_text(reply.body);
  settle();
  EXPECT_EQ(ipv4(a), "100.80.0.1");
  EXPECT_THAT(addresses(&a.state.netmap.self), ElementsAre("100.80.0.1"));
  advance(std::chrono::hours(25));
  const Json late = api("POST", device(a) + "/ip/undo", Json::object());
  EXPECT_EQ(reply.status, 409);
  EXPECT_THAT(late["message"].get<std::string>(), HasSubstr("not changed in the last 24 hours"));
}

TEST_F(Addressing, AnswersAtBothAddressesUntilTheGraceIsOver) {
  place(a, "100.80.0.1");
  edit(a, {{"ipv4", "100.80.0.7"}, {"graceSeconds", 3600}});
  ASSERT_EQ(reply.status, 200);
  EXPECT_THAT(addresses(peer(b, a)), ElementsAre("100.80.0.7", "100.80.0.1")) << "new first";
  EXPECT_THAT(addresses(&a.state.netmap.self), ElementsAre("100.80.0.7", "100.80.0.1"));
  edit(b, {{"ipv4", "100.80.0.1"}}, "?force=true");
  EXPECT_EQ(reply.status, 409) << "still in use";
  start();  // the end is not forgotten
  poll(a);
  poll(b);
  EXPECT_THAT(addresses(peer(b, a)), ElementsAre("100.80.0.7", "100.80.0.1"));
  advance(std::chrono::minutes(61));
  EXPECT_THAT(addresses(peer(b, a)), ElementsAre("100.80.0.7"));
  EXPECT_THAT(addresses(&a.state.netmap.self), ElementsAre("100.80.0.7"));
  EXPECT_EQ(storage->audit_log(node(a).record.account, {}, 1)->front().details, "end of its grace");
  edit(b, {{"ipv4", "100.80.0.1"}});
  EXPECT_EQ(reply.status, 409) << "and then it rests";
}

TEST_F(Addressing, ChangesIPv6WithoutTouchingIPv4) {
  place(a, "100.80.0.1");
  edit(a, {{"ipv6", "fd7a:115c:a1e0:7::7"}});
  ASSERT_EQ(reply.status, 200) << as_text(reply.body);
  ASSERT_EQ(peer(b, a)->addresses.size(), 2u);
  EXPECT_EQ(peer(b, a)->addresses[0].to_text(), "100.80.0.1/32");
  EXPECT_EQ(peer(b, a)->addresses[1].to_text(), "fd7a:115c:a1e0:7::7/128");
  const Json no = edit(b, {{"ipv6", "fd7a:115c:a1e0:7::7"}});
  EXPECT_EQ(reply.status, 409);
  EXPECT_EQ(no["message"], "fd7a:115c:a1e0:7::7 is already assigned to \"a\"");
}

TEST_F(Addressing, KeepsAnAddressForTheMachineThatBringsTheKey) {
  const Json key = api("POST", "/api/v2/tailnet/-/keys", {{"ipv4", "100.80.0.42"}});
  ASSERT_EQ(reply.status, 200) << key;
  EXPECT_EQ(key["ipv4"], "100.80.0.42");
  edit(a, {{"ipv4", "100.80.0.42"}});
  EXPECT_EQ(reply.status, 409);
  api("POST", "/api/v2/tailnet/-/keys", {{"ipv4", "100.80.0.42"}});
  EXPECT_EQ(reply.status, 409) << "kept for one only";
  Machine& m = machine("newcomer");
  EXPECT_EQ(send_register(m, register_request(m, key["key"].get<std::string>())).error, "");
  EXPECT_EQ(ipv4(m), "100.80.0.42");
}

TEST_F(Addressing, FollowsThePolicyAboutPoolsAndNamesItsLinesThatBreak) {
  place(a, "100.80.0.1");
  const std::string policy =
      "{\n  \"hosts\": {\"db\": \"100.80.0.1\"},\n"
      "  \"nodeAttrs\": [{\"target\": [\"*\"], \"ipPool\": [\"100.81.0.0/24\"]}],\n"
      "  \"grants\": [{\"src\": [\"*\"], \"dst\": [\"*\"], \"ip\": [\"*\"]}]\n}\n";
  store::AuditEntry entry;
  entry.account = node(a).record.account;
  entry.time = wall;
  ASSERT_TRUE(coordinator->registry().set_policy({entry.account, 0, policy, "{}", wall}, entry));
  const Prefix pool = *Prefix::parse("100.81.0.0/24");
  EXPECT_TRUE(pool.contains(node(joined("c")).record.ipv4));
  Json told = edit(a, {{"ipv4", "100.80.0.7"}}, "?dryRun=true");
  EXPECT_THAT(
      told.dump(), HasSubstr("policy line 2 says 100.80.0.1, which no device has any more"));
  EXPECT_THAT(std::string(reply.headers.get("Warning")), HasSubstr("outside ipPool"));
  edit(a, {{"fromPool", true}});
  ASSERT_EQ(reply.status, 200) << as_text(reply.body);
  EXPECT_TRUE(pool.contains(node(a).record.ipv4));
  EXPECT_THAT(std::string(reply.headers.get("Warning")), Not(HasSubstr("outside ipPool")));
}

TEST_F(Addressing, RefusesWhatItCannotRead) {
  for (const Json& wish : std::vector<Json>{
           Json::object(),
           {{"ipv6", "100.64.0.1"}},
           {{"ipv4", "100.80.0.1"}, {"graceSeconds", -1}},
           {{"swapWith", node(a).record.stable_id}}}) {
    edit(a, wish);
    EXPECT_EQ(reply.status, 400) << wish;
  }
  edit(a, {{"swapWith", "nNobodyCNTRL"}});
  EXPECT_EQ(reply.status, 404);
  api("POST", "/api/v2/tailnet/-/device-ips", {{"assignments", Json::array()}});
  EXPECT_EQ(reply.status, 400);
}

}  // namespace
}  // namespace aya::serve
