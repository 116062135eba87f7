// `set-exit-node` and `exit-node`: every way to say which node is meant, every reason against it,
// the trial afterwards and the way back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/program.h"
#include "tests/cli/fake_console.h"
#include "tests/cli/fake_daemon.h"
#include "tests/support/temp_dir.h"

namespace aya::test {
namespace {

using local::BackendState;
using local::InternetCheck;
using local::InternetTest;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

class ExitNodeCommands : public testing::Test {
 protected:
  ExitNodeCommands() {
    host.now.backend_state = BackendState::Running;
    host.now.magic_dns_suffix = "mesh.example";
    host.now.self = node("1", "alpha", "100.64.0.1", false);
    host.now.tailscale_ips = host.now.self.tailscale_ips;
    host.now.peers = {
        node("2", "beta", "100.64.0.2", true), node("3", "bern", "100.64.0.3", true),
        node("4", "gamma", "100.64.0.4", false), node("5", "delta", "100.64.0.5", false)};
    host.kept.control_url = "https://mesh.example";
    host.kept.logged_out = false;
    host.kept.want_running = true;
    host.exits.offers = {{"2", true, 12ms}, {"3", true, {}}, {"5", false, {}}};
    host.internet = {all_well()};
  }

  static local::PeerStatus node(
      std::string id, const std::string& name, std::string_view ip, bool exit) {
    local::PeerStatus out;
    out.public_key = *NodePublicKey::parse("nodekey:" + std::string(63, '0') + id);
    out.id = std::move(id);
    out.host_name = name;
    out.dns_name = name + ".mesh.example.";
    out.tailscale_ips = {*IpAddress::parse(ip)};
    out.online = true;
    out.exit_node_option = exit;
    return out;
  }
  local::PeerStatus& peer(const std::string& id) {
    return *std::ranges::find(host.now.peers, id, &local::PeerStatus::id);
  }

  using Results = std::map<std::string, InternetTest::Outcome>;
  static InternetCheck check(const Results& results, std::string egress = "") {
    InternetCheck out;
    for (const auto& [name, outcome] : results) out.tests.push_back({name, outcome, "said so"});
    out.egress = std::move(egress);
    return out;
  }
  static InternetCheck all_well() {
    using enum InternetTest::Outcome;
    return check({{"server", Passed}, {"dns", Passed}, {"tcp", Passed}}, "198.51.100.7");
  }
  static InternetCheck all_dead() {
    using enum InternetTest::Outcome;
    return check({{"server", Failed}, {"dns", Failed}, {"tcp", Failed}});
  }

  int run(std::vector<std::string> words) {
    TempDir folder;
    const std::string socket = folder.file("s");
    FakeDaemon daemon(host, socket);
    console.stdout_text.clear();
    console.stderr_text.clear();
    words.insert(words.begin(), {"/usr/bin/ayatori", "--socket", socket});
    return cli::run_program(console, words);
  }
  int use(const std::string& who) { return run({"set-exit-node", who}); }
  std::string chosen() const { return local::exit_node_choice(host.kept); }
  const std::string& out() const { return console.stdout_text; }
  const std::string& err() const { return console.stderr_text; }

  RecordedHost host;
  FakeConsole console;
};

TEST_F(ExitNodeCommands, EveryWayToNameOne) {
  const std::pair<const char*, const char*> rows[] = {
      {"beta", "2"},
      {"BETA", "2"},
      {"beta.mesh.example", "2"},
      {"Beta.Mesh.Example.", "2"},
      {"100.64.0.2", "2"},
      {"2", "2"},
      {"bet", "2"},
      {"ber", "3"},
      {"auto", "auto:any"},
      {"auto:any", "auto:any"},
      {"none", ""},
      {"off", ""},
      {"", ""},
  };
  for (const auto& [who, choice] : rows) {
    host.kept = local::with_exit_node_choice(host.kept, choice[0] == '\0' ? "2" : "");
    EXPECT_EQ(use(who), 0) << who << ": " << err();
    EXPECT_EQ(chosen(), choice) << who;
  }
  EXPECT_THAT(host.called, IsEmpty()) << "nothing is tried unless on a terminal";
}

TEST_F(ExitNodeCommands, EveryReasonAgainstIt) {
  struct Row {
    const char* who;
    int exit;
    const char* says;
  };
  const Row rows[] = {
      {"bet a", 7, "no node is called \"bet a\"; did you mean beta?"},
      {"be", 7, "\"be\" may mean beta.mesh.example bern.mesh.example; use a full name"},
      {"gamma", 7, "run there: ayatori set --advertise-exit-node"},
      {"gam", 7, "gamma does not offer"},
      {"delta", 7, "ayatori-coord route approve delta --exit-node"},
      {"100.64.0.77", 7, "no node is called"},
      {"alpha", 2, "cannot be its own exit node; to offer it to others: set --advertise-exit-node"},
      {"-", 7, "no exit node was in use before"},
  };
  host.kept = local::with_exit_node_choice(host.kept, "3");
  for (const Row& row : rows) {
    EXPECT_EQ(use(row.who), row.exit) << row.who;
    EXPECT_THAT(err(), HasSubstr(row.says));
    EXPECT_EQ(chosen(), "3");
  }
  EXPECT_EQ(run({"set-exit-node", "beta", "bern"}), 2);
  EXPECT_EQ(run({"set-exit-node", "--nosuch"}), 2);
}

TEST_F(ExitNodeCommands, BackToThePreviousOne) {
  host.exits.previous = "2";
  EXPECT_EQ(use("-"), 0);
  EXPECT_EQ(chosen(), "2");
  host.exits.previous = "auto:any";
  EXPECT_EQ(use("-"), 0);
  EXPECT_EQ(chosen(), "auto:any");
  host.exits.previous = "99";
  EXPECT_EQ(use("-"), 7) << "it is gone";
  EXPECT_EQ(chosen(), "auto:any");
}

TEST_F(ExitNodeCommands, AnOfflineOneNeedsConsent) {
  peer("2").online = false;
  EXPECT_EQ(use("beta"), 8);
  EXPECT_THAT(err(), HasSubstr("beta is offline; to use it all the same"));
  EXPECT_EQ(chosen(), "");
  EXPECT_EQ(run({"set-exit-node", "--force", "beta"}), 0);
  EXPECT_EQ(chosen(), "2");

  host.kept = local::with_exit_node_choice(host.kept, "");
  console.terminal = true;
  console.stdin_text = "n\n";
  EXPECT_EQ(run({"set-exit-node", "--verify=false", "beta"}), 8);
  EXPECT_EQ(chosen(), "");
  console.stdin_text = "y\n";
  EXPECT_EQ(run({"set-exit-node", "--verify=false", "beta"}), 0);
  EXPECT_EQ(chosen(), "2");
}

TEST_F(ExitNodeCommands, WhileStoppedItIsForLater) {
  host.now.backend_state = BackendState::Stopped;
  host.kept.want_running = false;
  EXPECT_EQ(run({"set-exit-node", "--verify", "beta"}), 0);
  EXPECT_EQ(chosen(), "2");
  EXPECT_THAT(err(), HasSubstr("applies at the next `ayatori up`"));
  EXPECT_THAT(host.called, IsEmpty());
  host.now.peers.clear();
  EXPECT_EQ(use("100.64.0.9"), 0) << "nobody can tell yet who has it";
  EXPECT_EQ(chosen(), "100.64.0.9");
  EXPECT_EQ(use("beta"), 7);
}

TEST_F(ExitNodeCommands, AGoodTrialTellsWhereTrafficLeaves) {
  console.terminal = true;
  EXPECT_EQ(use("beta"), 0) << err();
  EXPECT_EQ(out(), "exit node: beta.mesh.example (100.64.0.2)\negress address: 198.51.100.7\n");
  EXPECT_THAT(err(), HasSubstr("dns: ok"));
  host.called.clear();
  EXPECT_EQ(run({"set-exit-node", "--verify=false", "bern"}), 0);
  EXPECT_EQ(use("none"), 0);
  EXPECT_THAT(host.called, IsEmpty()) << "without an exit node there is nothing to try";
}

TEST_F(ExitNodeCommands, AFailedTrialGoesBackToWhatWas) {
  host.kept = local::with_exit_node_choice(host.kept, "3");
  host.kept.exit_node_allow_lan_access = true;
  host.internet = {all_well(), all_dead()};
  EXPECT_EQ(run({"set-exit-node", "--verify", "--allow-lan=false", "beta"}), 8);
  EXPECT_EQ(chosen(), "3");
  EXPECT_TRUE(host.kept.exit_node_allow_lan_access);
  EXPECT_THAT(err(), HasSubstr("not reached with beta.mesh.example (100.64.0.2) (dns: said so)"));
  EXPECT_THAT(err(), HasSubstr("; back to bern.mesh.example (100.64.0.3)\n"));

  host.kept = local::with_exit_node_choice(host.kept, "");
  host.internet = {all_well(), all_dead()};
  EXPECT_EQ(run({"set-exit-node", "--verify", "auto"}), 8);
  EXPECT_EQ(chosen(), "");
  EXPECT_THAT(err(), HasSubstr("back to no exit node"));

  host.internet = {all_well(), all_dead()};
  EXPECT_EQ(run({"set-exit-node", "--verify", "--no-rollback", "beta"}), 8);
  EXPECT_EQ(chosen(), "2");
}

TEST_F(ExitNodeCommands, WhatDidNotWorkBeforeIsNotHeldAgainstIt) {
  using enum InternetTest::Outcome;
  host.internet = {check({{"server", Passed}, {"dns", Failed}, {"tcp", Failed}}), all_well()};
  EXPECT_EQ(run({"set-exit-node", "--verify", "beta"}), 0);
  EXPECT_THAT(
      host.called, ElementsAre("check-internet without ", "check-internet without dns,tcp"));
  host.called.clear();
  // Nothing worked, as with a dead exit node: everything is to work now.
  host.internet = {all_dead(), all_well()};
  EXPECT_EQ(run({"set-exit-node", "--verify", "bern"}), 0);
  EXPECT_THAT(host.called, ElementsAre("check-internet without ", "check-internet without "));
  EXPECT_EQ(chosen(), "3");
}

TEST_F(ExitNodeCommands, LanAccessAlone) {
  host.kept = local::with_exit_node_choice(host.kept, "2");
  EXPECT_EQ(run({"set-exit-node", "--allow-lan"}), 0);
  EXPECT_TRUE(host.kept.exit_node_allow_lan_access);
  EXPECT_EQ(out(), "LAN access: on\n");
  EXPECT_EQ(chosen(), "2");
}

TEST_F(ExitNodeCommands, ShowsTheOneInUse) {
  EXPECT_EQ(run({"set-exit-node"}), 0);
  EXPECT_EQ(out(), "no exit node: Internet traffic leaves from this machine\n");
  host.kept = local::with_exit_node_choice(host.kept, "2");
  peer("2").location = local::Location{"Japan", "JP", "Tokyo", "TYO", 0, 0, 0};
  EXPECT_EQ(run({"set-exit-node"}), 0);
  EXPECT_EQ(
      out(),
      "exit node:   beta.mesh.example (100.64.0.2)\nstatus:      online\n"
      "place:       Tokyo, Japan\nlatency:     12ms\nchosen:      by name\nLAN access:  off\n");
  host.kept = local::with_exit_node_choice(host.kept, "auto:any");
  host.exits.in_use = "3";
  EXPECT_EQ(run({"set-exit-node"}), 0);
  EXPECT_THAT(out(), StartsWith("exit node:   bern.mesh.example (100.64.0.3)\n"));
  EXPECT_THAT(out(), HasSubstr("chosen:      automatically (auto:any)\n"));
  host.kept = local::with_exit_node_choice(host.kept, "99");
  EXPECT_EQ(run({"set-exit-node"}), 0);
  EXPECT_THAT(out(), HasSubstr("99, which does not exist\nstatus:      Internet traffic is held"));
}

TEST_F(ExitNodeCommands, ListsThemWithLatency) {
  peer("3").online = false;
  peer("2").exit_node = true;
  EXPECT_EQ(run({"exit-node", "list"}), 0);
  EXPECT_THAT(
      out(),
      StartsWith(
          "\n IP             HOSTNAME              COUNTRY     CITY      STATUS       LATENCY     "
          "\n 100.64.0.3     bern.mesh.example     -           -         offline      -           "
          "\n 100.64.0.2     beta.mesh.example     -           -         selected     12ms        "
          "\n"));
  host.now.peers.clear();
  EXPECT_EQ(run({"exit-node", "list"}), 0);
  EXPECT_EQ(out(), "");
  EXPECT_THAT(err(), HasSubstr("no exit nodes found"));
  EXPECT_EQ(run({"exit-node"}), 2);
  EXPECT_EQ(run({"exit-node", "dance"}), 2);
}

TEST_F(ExitNodeCommands, ListsTheBestOfEveryCityUnlessACountryIsNamed) {
  host.now.peers.clear();
  const auto add = [&](const std::string& id, const char* city, std::int64_t priority) {
    host.now.peers.push_back(node(id, "jp" + id, "100.64.1." + id, true));
    host.now.peers.back().location = local::Location{"Japan", "JP", city, city, 0, 0, priority};
  };
  add("1", "Tokyo", 5);
  add("2", "Tokyo", 9);
  add("3", "Osaka", 7);
  EXPECT_EQ(run({"exit-node", "list"}), 0);
  EXPECT_THAT(out(), HasSubstr("jp2.mesh.example     Japan       Any "));
  EXPECT_THAT(out(), HasSubstr("jp3.mesh.example     Japan       Osaka "));
  EXPECT_THAT(out(), HasSubstr("jp2.mesh.example     Japan       Tokyo "));
  EXPECT_THAT(out(), Not(HasSubstr("jp1.")));
  EXPECT_EQ(run({"exit-node", "list", "--filter=japan"}), 0);
  EXPECT_THAT(out(), HasSubstr("jp1."));
  EXPECT_EQ(run({"exit-node", "list", "--filter", "Norway"}), 0);
  EXPECT_THAT(err(), HasSubstr("no exit nodes found for \"Norway\""));
}

TEST_F(ExitNodeCommands, ProposesAndUses) {
  host.relays.text = "{}";
  EXPECT_EQ(run({"exit-node", "suggest"}), 0);
  EXPECT_EQ(out(), "No exit node suggestion is available.\n");
  host.suggestion = {"2", "beta.mesh.example.", {}};
  EXPECT_EQ(run({"exit-node", "suggest"}), 0);
  EXPECT_THAT(out(), HasSubstr("Suggested exit node: beta.mesh.example.\n"));
  EXPECT_EQ(run({"exit-node", "use", "beta.mesh.example."}), 0);
  EXPECT_EQ(chosen(), "2");
}

TEST_F(ExitNodeCommands, SetTakesTheSameWords) {
  EXPECT_EQ(run({"set", "--exit-node=beta"}), 0);
  EXPECT_EQ(chosen(), "100.64.0.2");  // the daemon knows whose that is
  EXPECT_EQ(run({"set", "--exit-node=auto"}), 0);
  EXPECT_EQ(chosen(), "auto:any");
  EXPECT_EQ(run({"set", "--exit-node=none"}), 0);
  EXPECT_EQ(chosen(), "");
  EXPECT_EQ(run({"set", "--exit-node=gamma"}), 7);
}

}  // namespace
}  // namespace aya::test
