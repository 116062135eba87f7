// `ayatori` by its own name: its exit statuses, its words, and what it asks of the daemon.
#include "cli/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/cli/ayatori.h"

namespace aya::test {
namespace {

using local::BackendState;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

TEST_F(Ayatori, TakesTheSocketBeforeAndAfterTheVerb) {
  TempDir folder;
  const std::string socket = folder.file("s");
  FakeDaemon daemon(host, socket);
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"ayatori", "--socket", socket, "ip"},
        {"ayatori", "-socket=" + socket, "ip"},
        {"ayatori", "ip", "--socket", socket},
        {"ayatori", "ip", "--socket=" + socket}}) {
    console.stdout_text.clear();
    EXPECT_EQ(cli::run_program(console, words), 0) << words[1];
    EXPECT_EQ(out(), "100.64.0.1\n");
  }
  EXPECT_EQ(cli::run_program(console, {"ayatori", "--socket", "a", "ip", "--socket", "b"}), 2);
  EXPECT_EQ(cli::run_program(console, {"ayatori", "ip", "--socket"}), 2);
}

TEST_F(Ayatori, SaysWhatKindOfFailureItWas) {
  EXPECT_EQ(cli::run_program(console, {"ayatori", "--socket", "/nonexistent/s", "ip"}), 3);
  EXPECT_EQ(run({"nosuchverb"}), 2);
  EXPECT_EQ(run({"status", "--nosuch"}), 2);
  EXPECT_EQ(run({"down", "extra"}), 2);
  EXPECT_EQ(run({"ip", "nobody"}), 7);
  EXPECT_EQ(run({"ip", "--assert", "100.64.0.9"}), 8);
  EXPECT_EQ(run({"up", "--unattended"}), 2);
  EXPECT_THAT(err(), HasSubstr("--unattended is not supported yet"));
  caller = 65534;
  EXPECT_EQ(run({"down"}), 5);
  EXPECT_THAT(err(), HasSubstr("sudo ayatori --socket="));
  log_out();
  EXPECT_EQ(run({"status"}), 4);
  EXPECT_EQ(out(), "Logged out. To log in: ayatori up\n");
}

TEST_F(Ayatori, UpWithAKeyLogsInAndReturnsWhenTheDaemonRuns) {
  log_out();
  const std::string pin = "sha256-raw:" + std::string(64, 'a');
  EXPECT_EQ(
      run(
          {"up", "--login-server", "mesh.example:8443", "--auth-key", "secret", "--hostname", "box",
           "--server-cert", pin}),
      0)
      << err();
  EXPECT_THAT(host.called, ElementsAre("start secret"));
  EXPECT_EQ(host.kept.control_url, "https://mesh.example:8443");
  EXPECT_EQ(host.kept.hostname, "box");
  EXPECT_EQ(host.kept.server_cert_pin, pin);
  EXPECT_TRUE(host.kept.want_running);
  EXPECT_EQ(out(), "");
  EXPECT_THAT(err(), HasSubstr("logging in to https://mesh.example:8443\nlogged in\nconnected: "));
  EXPECT_THAT(err(), Not(HasSubstr("secret")));
}

TEST_F(Ayatori, UpTakesTheKeyFromWhereItIsHidden) {
  console.files["/run/key"] = "from-file\n";
  console.environment["KEY"] = "from-variable";
  console.environment["TS_AUTHKEY"] = "from-environment";
  console.stdin_text = "from-stdin\n";
  const auto key_of = [this](std::vector<std::string> words) {
    log_out();
    host.called.clear();
    words.insert(words.begin(), {"up", "--login-server=https://mesh.example"});
    EXPECT_EQ(run(std::move(words)), 0) << err();
    return host.called.empty() ? "" : host.called.front();
  };
  EXPECT_EQ(key_of({"--auth-key", "file:/run/key"}), "start from-file");
  EXPECT_EQ(key_of({"--authkey=env:KEY"}), "start from-variable");
  EXPECT_EQ(key_of({"--auth-key", "-"}), "start from-stdin");
  EXPECT_EQ(key_of({}), "start from-environment");
  console.environment["AYATORI_AUTHKEY"] = "ours";
  EXPECT_EQ(key_of({}), "start ours");
  EXPECT_EQ(run({"up", "--auth-key=file:/nonexistent"}), 1);
  EXPECT_EQ(run({"up", "--auth-key=env:UNSET"}), 1);
}

TEST_F(Ayatori, UpTradesAClientForAKeyOfThisOneMachine) {
  const std::string pin = "sha256-raw:" + std::string(64, 'a'), server = "https://mesh.example";
  console.web["POST " + server + "/api/v2/oauth/token"] =
      http::Response::json(200, R"({"access_token":"t1"})");
  console.web["POST " + server + "/api/v2/oauth/token-exchange"] =
      http::Response::json(200, R"({"access_token":"t2"})");
  console.web["POST " + server + "/api/v2/tailnet/-/keys"] =
      http::Response::json(200, R"({"key":"made"})");
  console.files["/run/token"] = "a.b.c\n";
  const auto up = [&](std::vector<std::string> words) {
    log_out();
    host.called.clear();
    console.asked.clear();
    words.insert(words.begin(), {"up", "--login-server", server, "--server-cert", pin});
    return run(std::move(words));
  };
  ASSERT_EQ(up({"--client-secret", "tskey-client-k1-x+y", "--advertise-tags=ci,tag:db"}), 0)
      << err();
  EXPECT_THAT(host.called, ElementsAre("start made"));
  ASSERT_EQ(console.asked.size(), 2u);
  EXPECT_EQ(console.asked[0].certificate_pin, pin);
  EXPECT_EQ(
      console.asked[0].body, "grant_type=client_credentials&client_secret=tskey-client-k1-x%2By");
  EXPECT_EQ(console.asked[1].headers.get("Authorization"), "Bearer t1");
  EXPECT_EQ(
      console.asked[1].body,
      R"({"capabilities":{"devices":{"create":{"reusable":false,"ephemeral":true,)"
      R"("preauthorized":false,"tags":["tag:ci","tag:db"]}}}})");

  ASSERT_EQ(
      up({"--client-id=k9?ephemeral=false&preauthorized=true", "--id-token=file:/run/token",
          "--advertise-tags=ci"}),
      0)
      << err();
  ASSERT_EQ(console.asked.size(), 2u);
  EXPECT_EQ(console.asked[0].body, "client_id=k9&jwt=a.b.c");
  EXPECT_EQ(console.asked[1].headers.get("Authorization"), "Bearer t2");
  EXPECT_THAT(console.asked[1].body, HasSubstr(R"("ephemeral":false,"preauthorized":true)"));

  // A secret stands in for a key wherever one does, and may name the server it is of.
  console.web["POST https://other.example/api/v2/oauth/token"] = http::Response::json(
      400, R"({"error":"invalid_client","error_description":"unknown client"})");
  EXPECT_EQ(
      up({"--auth-key=tskey-client-k1-x?baseURL=https://other.example/", "--advertise-tags=ci"}),
      1);
  EXPECT_EQ(console.asked[0].certificate_pin, "") << "that is another server's";
  EXPECT_THAT(err(), HasSubstr("refused: unknown client"));
  EXPECT_THAT(host.called, IsEmpty());
}

TEST_F(Ayatori, UpAsAJobAsksForItsTokenItself) {
  log_out();
  console.environment["ACTIONS_ID_TOKEN_REQUEST_URL"] = "https://jobs.example/token?v=2";
  console.environment["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = "job";
  console.web["GET https://jobs.example/token?v=2&audience=api.mesh%2Fk9"] =
      http::Response::json(200, R"({"value":"a.b.c"})");
  const std::vector<std::string> words = {
      "up", "--login-server=https://mesh.example", "--client-id=k9", "--audience=api.mesh/k9",
      "--advertise-tags=ci"};
  EXPECT_EQ(run(words), 1) << "the server does not answer";
  ASSERT_EQ(console.asked.size(), 2u);
  EXPECT_EQ(console.asked[0].headers.get("Authorization"), "Bearer job");
  EXPECT_EQ(console.asked[1].body, "client_id=k9&jwt=a.b.c");
  console.environment.clear();
  EXPECT_EQ(run(words), 2);
  EXPECT_THAT(err(), HasSubstr("--id-token"));
  for (const std::vector<std::string>& incomplete :
       {std::vector<std::string>{"--client-id=k9", "--advertise-tags=ci"},
        {"--client-id=k9", "--id-token=a"},
        {"--client-id=k9?other=1", "--id-token=a", "--advertise-tags=ci"}}) {
    auto line = incomplete;
    line.insert(line.begin(), {"up", "--login-server=https://mesh.example"});
    EXPECT_EQ(run(line), 2) << err();
  }
  EXPECT_THAT(host.called, IsEmpty());
}

TEST_F(Ayatori, UpPassesOnWhatTheServerSaysToAKey) {
  log_out();
  host.login_problem = "that key has expired";
  EXPECT_EQ(run({"up", "--login-server=https://mesh.example", "--auth-key=old"}), 4);
  EXPECT_THAT(err(), HasSubstr("that key has expired\n"));
}

TEST_F(Ayatori, UpSendsAPersonToTheLoginAndWaits) {
  log_out();
  host.person_logs_in = true;
  EXPECT_EQ(run({"up", "--login-server=https://mesh.example"}), 0);
  EXPECT_THAT(host.called, ElementsAre("start ", "login-interactive"));
  EXPECT_THAT(err(), HasSubstr("To authenticate, visit:\n\n\t" + host.login_url + "\n"));
}

TEST_F(Ayatori, UpNamesTheStepThatTookTooLong) {
  log_out();
  EXPECT_EQ(run({"up", "--login-server=https://mesh.example", "--timeout=100ms"}), 6);
  EXPECT_THAT(err(), HasSubstr("timed out while waiting for the login at " + host.login_url));
  EXPECT_EQ(run({"up", "--no-wait"}), 4);
}

TEST_F(Ayatori, UpNeedsAServerOnce) {
  log_out();
  EXPECT_EQ(run({"up"}), 2);
  EXPECT_THAT(err(), HasSubstr("--login-server"));
  EXPECT_TRUE(host.called.empty());
}

TEST_F(Ayatori, UpChangesOnlyWhatIsMentioned) {
  host.kept.hostname = "alpha";
  host.kept.shields_up = true;
  EXPECT_EQ(run({"up", "--accept-routes"}), 0) << err();
  EXPECT_EQ(err(), "accept-routes: false -> true\n");
  EXPECT_TRUE(host.kept.route_all && host.kept.shields_up);
  EXPECT_EQ(host.kept.hostname, "alpha");

  console.stderr_text.clear();
  EXPECT_EQ(run({"up", "--accept-routes"}), 0);
  EXPECT_EQ(err(), "nothing to change\n");

  console.stderr_text.clear();
  EXPECT_EQ(run({"up", "--reset"}), 0);
  EXPECT_EQ(
      err(),
      "accept-routes: true -> false\nhostname: alpha -> (none)\nshields-up: true -> false\n");
  EXPECT_EQ(host.kept.control_url, "https://mesh.example");
}

TEST_F(Ayatori, UpIsRepeatableWithAnUsedKey) {
  EXPECT_EQ(run({"up", "--login-server=mesh.example", "--auth-key=used"}), 0);
  EXPECT_TRUE(host.called.empty());
}

TEST_F(Ayatori, DownAndUpAgain) {
  EXPECT_EQ(run({"down"}), 0);
  EXPECT_EQ(host.now.backend_state, BackendState::Stopped);
  EXPECT_EQ(run({"down"}), 0);
  EXPECT_EQ(run({"status"}), 4);
  EXPECT_EQ(out(), "Stopped. To connect: ayatori up\n");
  EXPECT_EQ(run({"up"}), 0);
  EXPECT_EQ(host.now.backend_state, BackendState::Running);
  EXPECT_EQ(run({"logout"}), 0);
  EXPECT_EQ(host.now.backend_state, BackendState::NeedsLogin);
}

TEST_F(Ayatori, UpRefusesWhatCannotBe) {
  EXPECT_EQ(run({"up", "--advertise-routes=10.0.0.1/8"}), 2);
  EXPECT_EQ(run({"up", "--server-cert=sha256-raw:beef"}), 2);
  EXPECT_EQ(run({"up", "--login-server=ftp://mesh.example"}), 2);
  host.refusal = "the administrator keeps this node up";
  EXPECT_EQ(run({"down"}), 1);
  EXPECT_THAT(err(), HasSubstr("the administrator keeps this node up"));
}

TEST_F(Ayatori, PingEndsAtTheFirstDirectAnswer) {
  beta_answers_directly(0.0123);
  EXPECT_EQ(run({"ping", "beta"}), 0);
  EXPECT_EQ(out(), "pong from beta (100.64.0.2) via 198.51.100.7:41641 in 12ms\n");
}

TEST_F(Ayatori, PingSaysThatOnlyTheRelayAnswered) {
  beta_answers_by_relay(0.03);
  EXPECT_EQ(run({"ping", "-c", "2", "beta"}), 8);
  EXPECT_EQ(
      out(),
      "pong from beta (100.64.0.2) via DERP(fra) in 30ms\n"
      "pong from beta (100.64.0.2) via DERP(fra) in 30ms\n");
  EXPECT_EQ(err(), "direct connection not established\n");
  EXPECT_EQ(run({"ping", "-c=1", "--until-direct=false", "100.64.0.2"}), 0);
}

TEST_F(Ayatori, PingWithoutAnAnswerTimesOut) {
  EXPECT_EQ(run({"ping", "-c", "1", "--timeout", "50ms", "beta.mesh.example."}), 6);
  EXPECT_EQ(out(), "ping \"100.64.0.2\" timed out\n");
  EXPECT_EQ(err(), "no reply\n");
  EXPECT_EQ(run({"ping", "delta"}), 7);
}

TEST_F(Ayatori, PingAddsUpAndPrintsJson) {
  beta_answers_directly(0.004);
  EXPECT_EQ(run({"ping", "--verbose", "--json", "-c", "2", "--until-direct=false", "beta"}), 0);
  EXPECT_THAT(out(), StartsWith("{\"IP\":"));
  EXPECT_EQ(err(), "2 of 2 answered, min/avg/max 4ms/4ms/4ms, 0 path changes\n");
}

TEST_F(Ayatori, NamesAreFoundInAnyCaseAndOnlyWhenOneIsMeant) {
  for (const char* name : {"BETA", "beta.mesh.example", "Beta.Mesh.Example.", "100.64.0.2", "2"}) {
    console.stdout_text.clear();
    EXPECT_EQ(run({"ip", name}), 0) << name;
    EXPECT_EQ(out(), "100.64.0.2\n");
  }
  host.now.peers[0].host_name = host.now.peers[1].host_name = "raspberrypi";
  EXPECT_EQ(run({"ip", "raspberrypi"}), 7);
  EXPECT_THAT(err(), HasSubstr("may mean beta.mesh.example gamma.mesh.example"));
  host.now.peers[0].dns_name = "raspberrypi.mesh.example.";
  EXPECT_EQ(run({"ip", "raspberrypi"}), 0);
}

TEST_F(Ayatori, StatusShowsNamesThatCannotMoveTheCursor) {
  host.now.peers.resize(1);
  host.now.peers[0].dns_name.clear();
  host.now.peers[0].host_name = "リビング\x1b[2J";
  EXPECT_EQ(run({"status", "--self=false"}), 0);
  EXPECT_EQ(out(), "100.64.0.2  \"リビング\\x1b[2J\"  0  linux  -  \n");
}

TEST_F(Ayatori, StatusNamesColumnsOnATerminalAndFilters) {
  console.terminal = true;
  EXPECT_EQ(run({"status", "gamma"}), 0);
  EXPECT_THAT(out(), StartsWith("IP          Hostname  Owner  OS     Status  \n"));
  EXPECT_THAT(out(), HasSubstr("gamma"));
  EXPECT_THAT(out(), Not(HasSubstr("beta")));
}

TEST_F(Ayatori, SetAndGetAgree) {
  EXPECT_EQ(run({"set", "--advertise-routes=10.1.0.0/16", "--advertise-exit-node"}), 0) << err();
  EXPECT_TRUE(host.kept.advertises_exit_node());
  EXPECT_EQ(run({"get", "advertise-routes"}), 0);
  EXPECT_EQ(out(), "10.1.0.0/16\n");
  console.stdout_text.clear();
  EXPECT_EQ(run({"set", "--advertise-routes=10.99.1.0/24=192.168.1.0/24,10.2.0.0/16"}), 0) << err();
  EXPECT_EQ(run({"get", "advertise-routes"}), 0);
  EXPECT_EQ(out(), "10.99.1.0/24=192.168.1.0/24,10.2.0.0/16\n");
  EXPECT_EQ(run({"set", "--advertise-routes=10.99.1.0/24=192.168.0.0/16"}), 2);
  // An exit node stays one when its subnets change.
  EXPECT_EQ(run({"set", "--advertise-routes="}), 0);
  EXPECT_EQ(host.kept.advertise_routes.size(), 2u);
  EXPECT_EQ(run({"set", "--advertise-exit-node=false"}), 0);
  EXPECT_TRUE(host.kept.advertise_routes.empty());
  console.stdout_text.clear();
  EXPECT_EQ(run({"set"}), 0);
  EXPECT_EQ(out(), "all settings are at their defaults\n");
}

TEST_F(Ayatori, WaitReturnsOnceItIsSo) {
  EXPECT_EQ(run({"wait"}), 0);
  EXPECT_EQ(run({"wait", "running"}), 0);
  beta_answers_directly(0.001);
  EXPECT_EQ(run({"wait", "direct:beta"}), 0);
  EXPECT_EQ(run({"wait", "--for", "direct:delta"}), 7);
  EXPECT_EQ(run({"wait", "rain"}), 2);
  console.machine.clear();
  EXPECT_EQ(run({"wait", "--timeout", "1s"}), 6);
  EXPECT_EQ(
      cli::run_program(console, {"ayatori", "--socket", "/nonexistent/s", "wait", "--timeout=1s"}),
      3);
}

TEST_F(Ayatori, NetcheckReadsAsPeopleKnowIt) {
  host.relays.text =
      R"({"Regions":{"9":{"RegionID":9,"RegionCode":"lab","RegionName":"Lab Relay"}}})";
  host.report.text =
      R"({"Now":"2026-01-02T03:04:05.5Z","UDP":true,"IPv4":true,"GlobalV4":"192.0.2.1:34595",)"
      R"("OSHasIPv6":true,"MappingVariesByDestIP":false,"PreferredDERP":9,)"
      R"("RegionLatency":{"9":202512}})";
  EXPECT_EQ(run({"netcheck"}), 0) << err();
  EXPECT_EQ(
      out(),
      "\nReport:\n\t* Time: 2026-01-02 03:04:05.5Z\n\t* UDP: true\n\t* IPv4: yes, 192.0.2.1:34595\n"
      "\t* IPv6: no, but OS has support\n\t* MappingVariesByDestIP: false\n\t* PortMapping: \n"
      "\t* Nearest DERP: Lab Relay\n\t* DERP latency:\n\t\t- lab: 200µs   (Lab Relay)\n"
      "\nDirect paths should be possible from here.\n");
}

TEST_F(Ayatori, WhoamiAndWhoisByName) {
  local::WhoIs who;
  who.node.text = R"({"Name":"alpha.mesh.example.","StableID":"1","Addresses":["100.64.0.1/32"]})";
  who.user.login_name = "alice@mesh.example";
  who.user.id = 7;
  host.people["100.64.0.1"] = who;
  EXPECT_EQ(run({"whoami"}), 0) << err();
  EXPECT_EQ(
      out(),
      "Machine:\n  Name:           alpha.mesh.example\n  ID:             1\n"
      "  Addresses:      [100.64.0.1/32]\n"
      "User:\n  Name:           alice@mesh.example\n  ID:             7\n");
  EXPECT_EQ(run({"whois", "alpha"}), 0);
  EXPECT_EQ(run({"whois", "beta"}), 7);
}

TEST_F(Ayatori, DebugLooksInside) {
  host.map.text = R"({"Domain":"mesh.example"})";
  EXPECT_EQ(run({"debug", "netmap"}), 0);
  EXPECT_EQ(out(), "{\n\t\"Domain\": \"mesh.example\"\n}\n");
  EXPECT_EQ(run({"debug", "watch-ipn", "--initial", "--count=1"}), 0);
  EXPECT_THAT(out(), HasSubstr("\t\"State\": 6,\n"));
  EXPECT_EQ(run({"debug", "rebind"}), 0);
  EXPECT_EQ(run({"debug", "localapi", "POST", "debug?action=restun"}), 0);
  EXPECT_THAT(host.called, ElementsAre("rebind", "restun"));
  EXPECT_EQ(run({"debug", "nosuch"}), 2);
}

}  // namespace
}  // namespace aya::test
