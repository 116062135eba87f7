// Several logins of one machine: which stay, which is in use, what they are called.
#include "daemon/app/logins.h"

#include <gtest/gtest.h>

#include "proto/local/prefs.h"
#include "tests/support/seeded_rng.h"

namespace aya::app {
namespace {

class Logins : public testing::Test {
 protected:
  Logins() { state.machine_key = MachinePrivateKey::generate(rng); }

  // What a first login leaves behind.
  std::string log_in(const std::string& who, const std::string& node, const std::string& server) {
    state.node_key = NodePrivateKey::generate(rng);
    state.control_url = server;
    state.profile = {7, who, "", ""};
    state.network = {"example.org", "mesh.example.org"};
    state.node_id = node;
    keep_login(state, now, rng);
    return state.name_key;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& login : list_logins(state)) out.push_back(login.name);
    return out;
  }
  void set_prefs(const local::Prefs& prefs) { state.prefs = local::to_json_line(prefs); }

  test::SeededRng rng;
  state::NodeState state;
  WallTime now = *parse_rfc3339("2026-01-02T03:04:05Z");
};

TEST_F(Logins, ALoginIsListedOnceItHasSucceeded) {
  EXPECT_TRUE(list_logins(state).empty());
  EXPECT_EQ(describe(state), local::LoginProfile{});
  const std::string id = log_in("bea@example.org", "n1", "https://one");
  EXPECT_EQ(id.size(), 4u);
  const auto login = describe(state);
  EXPECT_EQ(login.id, id);
  EXPECT_EQ(login.name, "bea@example.org");
  EXPECT_EQ(login.network(), "example.org");
  EXPECT_EQ(login.created, now);
  keep_login(state, now + 1h, rng);  // logging in again does not make it another
  EXPECT_EQ(describe(state), login);
}

TEST_F(Logins, ANewOneBeginsEmptyButForTheOperator) {
  local::Prefs prefs;
  prefs.operator_user = "bea";
  prefs.hostname = "desk";
  prefs.profile_name = "home";
  set_prefs(prefs);
  log_in("bea@example.org", "n1", "https://one");
  begin_login(state, rng);
  EXPECT_FALSE(state.has_node_key());
  EXPECT_TRUE(state.control_url.empty());
  EXPECT_TRUE(state.name_key.empty());
  const auto fresh = local::parse_prefs(state.prefs);
  ASSERT_TRUE(fresh);
  EXPECT_EQ(fresh->operator_user, "bea");
  EXPECT_EQ(fresh->hostname, "");
  EXPECT_EQ(names(), std::vector<std::string>{"home"});
}

TEST_F(Logins, OneThatNeverSucceededIsNotKept) {
  begin_login(state, rng);
  begin_login(state, rng);
  EXPECT_TRUE(state.others.empty());
}

TEST_F(Logins, EnteringOnePutsTheOtherAside) {
  const std::string first = log_in("bea@example.org", "n1", "https://one");
  const auto key = state.node_key.public_key();
  begin_login(state, rng);
  const std::string second = log_in("abe@example.org", "n9", "https://one");
  EXPECT_EQ(names(), (std::vector<std::string>{"abe@example.org", "bea@example.org"}));
  EXPECT_TRUE(enter_login(state, first));
  EXPECT_EQ(state.node_key.public_key(), key);
  EXPECT_EQ(state.name_key, first);
  EXPECT_EQ(names(), (std::vector<std::string>{"abe@example.org", "bea@example.org"}));
  EXPECT_TRUE(enter_login(state, first));
  EXPECT_FALSE(enter_login(state, "nosuch"));
  EXPECT_TRUE(enter_login(state, second));
  EXPECT_EQ(state.others.size(), 1u);
}

TEST_F(Logins, RemovingTheOneInUseLeavesAnEmptyOne) {
  const std::string first = log_in("bea@example.org", "n1", "https://one");
  begin_login(state, rng);
  const std::string second = log_in("abe@example.org", "n9", "https://one");
  remove_login(state, first, rng);
  EXPECT_EQ(names(), std::vector<std::string>{"abe@example.org"});
  remove_login(state, "nosuch", rng);
  remove_login(state, second, rng);
  EXPECT_TRUE(names().empty());
  EXPECT_FALSE(state.has_node_key());
}

// To a server they are two machines.
TEST_F(Logins, EachHasAMachineKeyOfItsOwn) {
  const std::string first = log_in("bea@example.org", "n1", "https://one");
  const auto key = state.machine_key.public_key();
  begin_login(state, rng);
  EXPECT_NE(state.machine_key.public_key(), key);
  log_in("bea@example.org", "n2", "https://one");
  enter_login(state, first);
  EXPECT_EQ(state.machine_key.public_key(), key);
  remove_login(state, first, rng);
  EXPECT_NE(state.machine_key.public_key(), key);
}

}  // namespace
}  // namespace aya::app
