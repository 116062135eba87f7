// Verbs as a person types them, against a server that really runs in a process of its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "coord-server/app/files.h"
#include "coord-server/app/installation.h"
#include "coord-server/commands/verbs.h"
#include "proto/io/loop.h"
#include "proto/io/tcp_stream.h"
#include "proto/tls/certificate.h"
#include "tests/support/temp_dir.h"

namespace aya::coord {
namespace {

using testing::HasSubstr;
using testing::Not;

class RunningServer : public testing::Test {
 protected:
  RunningServer() {
    SystemRng rng;
    io::Loop loop;
    InitWish wish;
    wish.places = Places::in(home());
    std::uint16_t port = 0;
    {
      auto free = io::TcpListener::listen(loop, *Endpoint::parse("127.0.0.1:0"), [](auto) {});
      port = (*free)->local().port;
    }
    wish.listen = "127.0.0.1:" + std::to_string(port);
    wish.server_url = url = "https://" + wish.listen;
    wish.stun_listen = "off";
    wish.owner = "alice@example.com";
    EXPECT_TRUE(create_installation(wish, loop.wall_now(), rng));
    start();
  }
  ~RunningServer() override { stop(SIGTERM); }

  void start() {
    server_ = ::fork();
    if (server_ == 0) {
      std::freopen("/dev/null", "w", stderr);
      ::_exit(coord::run({"serve", "--dir", home()}));
    }
    for (int i = 0; i < 500 && type({"status"}) != 0; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
  void stop(int signal) {
    if (server_ <= 0) return;
    ::kill(server_, signal);
    ::waitpid(server_, nullptr, 0);
    server_ = -1;
  }

  // The exit code; `out` and `err` are what was printed.
  int type(std::vector<std::string> line) {
    for (const char* more : {"--dir"}) line.insert(line.begin(), {more, home()});
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = coord::run(line);
    out = testing::internal::GetCapturedStdout();
    err = testing::internal::GetCapturedStderr();
    return code;
  }
  // The same from another machine.
  int type_from_afar(const std::string& token, std::vector<std::string> line) {
    ::setenv("AYATORI_API_KEY", token.c_str(), 1);
    line.insert(line.end(), {"--server", url, "--server-cert", pin()});
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = coord::run(line);
    out = testing::internal::GetCapturedStdout();
    err = testing::internal::GetCapturedStderr();
    ::unsetenv("AYATORI_API_KEY");
    return code;
  }
  std::string pin() const {
    std::ifstream file(home() + "/cert.pem");
    const std::string pem{std::istreambuf_iterator<char>(file), {}};
    return tls::pin_text(*tls::pem_fingerprint(pem));
  }
  std::string home() const { return dir.file("home"); }
  std::string file(const std::string& name, const std::string& text) {
    std::ofstream(dir.file(name)) << text;
    return dir.file(name);
  }

  test::TempDir dir;
  std::string out, err, url;
  pid_t server_ = -1;
};

constexpr const char* kOnlyWeb = R"({
  // who may what
  "tagOwners": {"tag:web": ["alice@example.com"], "tag:db": ["alice@example.com"]},
  "acls": [
    {"action": "accept", "src": ["tag:web"], "dst": ["tag:db:443"]},
  ],
  "tests": [{"src": "tag:web", "accept": ["tag:db:443"], "deny": ["tag:db:22"]}],
})";

TEST_F(RunningServer, KeepsAPolicyAsItWasWritten) {
  const std::string path = file("policy", kOnlyWeb);
  ASSERT_EQ(type({"policy", "test", path}), 0) << err;
  EXPECT_EQ(type({"policy", "set", path}), 0) << err;
  ASSERT_EQ(type({"policy", "show"}), 0) << err;
  EXPECT_EQ(out, std::string(kOnlyWeb) + '\n');
}

TEST_F(RunningServer, AsksServicesAboutMachinesAndShowsNoSecret) {
  const std::string secret = file("secret", "hush\n");
  ASSERT_EQ(
      type({"posture", "add", "kandji", "--cloud", "kandji.test", "--secret-file", secret}), 0)
      << err;
  ASSERT_EQ(type({"posture", "ls"}), 0) << err;
  EXPECT_THAT(out, HasSubstr("kandji.test"));
  EXPECT_THAT(out, Not(HasSubstr("hush")));
  EXPECT_EQ(type({"posture", "set", "kandji", "--cloud", "other.test"}), 0) << err;
  EXPECT_EQ(type({"posture", "sync", "kandji"}), 0) << err;
  EXPECT_NE(type({"posture", "set", "intune", "--cloud", "global"}), 0);
  EXPECT_THAT(err, HasSubstr("no posture integration \"intune\""));
  EXPECT_NE(type({"posture", "add", "jamfpro", "--secret-file", secret}), 0);
  EXPECT_THAT(err, HasSubstr("cloudId"));
  ASSERT_EQ(type({"posture", "ls", "--json"}), 0) << err;
  EXPECT_THAT(out, HasSubstr("other.test"));
  EXPECT_THAT(out, Not(HasSubstr("hush")));
  EXPECT_EQ(type({"posture", "rm", "kandji"}), 0) << err;
  ASSERT_EQ(type({"posture", "ls", "--json"}), 0) << err;
  EXPECT_EQ(out, "[]\n");
}

TEST_F(RunningServer, ShowsSettingsAsTheFileWouldHaveThem) {
  ASSERT_EQ(type({"config", "show"}), 0) << err;
  const auto read = parse_config(out, "what is shown");
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(out.find("oidc"), std::string::npos);
  std::ofstream(home() + "/config", std::ios::app)
      << "oidc_issuer = https://id.test\noidc_client_id = mesh\noidc_client_secret = hush\n";
  ASSERT_EQ(type({"config", "show"}), 0) << err;
  EXPECT_THAT(out, HasSubstr("oidc_client_secret = (secret)"));
  EXPECT_THAT(out, testing::Not(HasSubstr("hush")));
  EXPECT_TRUE(parse_config(out, "what is shown"));
}

TEST_F(RunningServer, IsSteeredFromAfarByAToken) {
  ASSERT_EQ(type({"token", "add", "-q"}), 0) << err;
  const std::string token = out.substr(0, out.find('\n'));
  ASSERT_EQ(type_from_afar(token, {"user", "add", "bob"}), 0) << err;
  ASSERT_EQ(type_from_afar(token, {"user", "ls"}), 0) << err;
  EXPECT_THAT(out, HasSubstr("bob"));
  EXPECT_EQ(type_from_afar("aykey-api-x-y", {"user", "ls"}), 5);
  EXPECT_EQ(type_from_afar("", {"user", "ls"}), 5);
  EXPECT_THAT(err, HasSubstr("AYATORI_API_KEY"));
  EXPECT_EQ(type_from_afar(token, {"backup", file("b", "")}), 2);
  EXPECT_THAT(err, HasSubstr("own machine"));
  EXPECT_EQ(type_from_afar(token, {"--account", "x", "user", "ls"}), 2);
  std::string other = pin();
  other.back() = other.back() == '0' ? '1' : '0';
  EXPECT_EQ(type({"user", "ls", "--server", url, "--server-cert", other}), 5) << "no token";
}

// Policies may be longer than anything else, for whoever may write one.
TEST_F(RunningServer, LetsProgramsInByAnotherServersTokens) {
  const std::vector<std::string> add = {
      "federated", "add", "auth_keys,dns:read", "--issuer", "https://issuer.example",
      "--subject", "repo:example/*", "--claim", "ref=refs/heads/a,b", "--claim=environment=prod"};
  EXPECT_NE(type(add), 0);
  EXPECT_THAT(err, HasSubstr("needs at least one tag"));
  auto line = add;
  line.insert(line.end(), {"--tag", "ci", "-q"});
  ASSERT_EQ(type(line), 0) << err;
  const std::string id = out.substr(0, out.find('\n'));
  ASSERT_EQ(type({"key", "show", id}), 0) << err;
  for (const char* part : {"federated", "https://issuer.example", "repo:example/*", "tag:ci",
                           "environment is prod, ref is refs/heads/a,b"}) {
    EXPECT_THAT(out, HasSubstr(part));
  }
  ASSERT_EQ(type({"key", "show", id, "--json"}), 0) << err;
  EXPECT_THAT(out, HasSubstr("\"audience\": \"api."));
  ASSERT_EQ(type({"key", "ls"}), 0) << err;
  EXPECT_THAT(out, HasSubstr("federated: auth_keys"));
  line.back() = "--claim=environment";
  EXPECT_EQ(type(line), 2);
  ASSERT_EQ(type({"key", "rm", id}), 0) << err;
  ASSERT_EQ(type({"key", "show", id}), 0) << err;
  EXPECT_THAT(out, HasSubstr("not valid"));
}

TEST_F(RunningServer, TakesALongPolicyFromWhomItKnows) {
  const std::string path =
      file("policy", std::string(std::size_t{3} << 20, ' ') + R"({"acls": []})");
  EXPECT_EQ(type({"policy", "test", path}), 0) << err;
  ASSERT_EQ(type({"token", "add", "-q"}), 0) << err;
  const std::string token = out.substr(0, out.find('\n'));
  EXPECT_EQ(type_from_afar(token, {"policy", "test", path}), 0) << err;
  EXPECT_NE(type_from_afar("aykey-api-x-y", {"policy", "test", path}), 0);
}

TEST_F(RunningServer, RefusesAPolicyWhoseTestsFail) {
  std::string text = kOnlyWeb;
  text.replace(text.find("443\"]},"), 3, "*");
  const std::string path = file("policy", text);
  EXPECT_EQ(type({"policy", "check", path}), 1);
  EXPECT_THAT(err, HasSubstr("want: Drop, got: Accept"));
  EXPECT_EQ(type({"policy", "set", path}), 1);
  EXPECT_THAT(err, HasSubstr("test(s) failed"));
  EXPECT_EQ(type({"policy", "set", file("empty", "\n")}), 1);
  EXPECT_THAT(err, HasSubstr("the policy is empty"));
}

TEST_F(RunningServer, ExplainsWhoReachesWhat) {
  ASSERT_EQ(type({"policy", "set", file("policy", kOnlyWeb)}), 0) << err;
  ASSERT_EQ(type({"policy", "who", "tag:web", "tag:db:443"}), 0) << err;
  EXPECT_THAT(out, HasSubstr("allowed: tag:web -> tag:db:443/tcp\n  line 5: tag:web -> tag:db"));
  ASSERT_EQ(type({"policy", "who", "tag:web", "tag:db:22"}), 0) << err;
  EXPECT_THAT(out, HasSubstr("denied: tag:web -> tag:db:22/tcp"));
  EXPECT_EQ(type({"policy", "who", "nobody@", "tag:db:22"}), 1);
  EXPECT_EQ(err, "ayatori-coord: src \"nobody@\" not found\n");
  EXPECT_EQ(type({"policy", "who", "tag:web", "tag:db"}), 1);
  EXPECT_THAT(err, HasSubstr("port"));
}

TEST_F(RunningServer, BringsAnEarlierPolicyBack) {
  ASSERT_EQ(type({"policy", "set", file("first", kOnlyWeb)}), 0) << err;
  ASSERT_EQ(type({"policy", "set", file("second", "{}")}), 0) << err;
  ASSERT_EQ(type({"policy", "log"}), 0) << err;
  EXPECT_THAT(out, HasSubstr("VERSION"));
  ASSERT_EQ(type({"policy", "restore", "1"}), 0) << err;
  ASSERT_EQ(type({"policy", "show"}), 0) << err;
  EXPECT_EQ(out, std::string(kOnlyWeb) + '\n');
  ASSERT_EQ(type({"policy", "show", "2"}), 0) << err;
  EXPECT_EQ(out, "{}\n");
  EXPECT_EQ(type({"policy", "restore", "99"}), 1);
}

TEST_F(RunningServer, PutsInForceWhatAnEditorMadeOfIt) {
  ASSERT_EQ(type({"policy", "set", file("first", kOnlyWeb)}), 0) << err;
  ::setenv("VISUAL", "sed -i -e /tests/s/:443/:444/", 1);
  ::setenv("TMPDIR", dir.file("").c_str(), 1);
  EXPECT_EQ(type({"policy", "edit", "--yes"}), 1);
  EXPECT_THAT(err, HasSubstr("your text is in "));
  ::setenv("VISUAL", "sed -i -e s/:443/:444/", 1);
  ASSERT_EQ(type({"policy", "edit", "--yes"}), 0) << err;
  EXPECT_THAT(err, HasSubstr("+ acls {\"action\":\"accept\",\"dst\":[\"tag:db:444\"]"));
  ASSERT_EQ(type({"policy", "show"}), 0) << err;
  EXPECT_THAT(out, HasSubstr("// who may what"));
  EXPECT_THAT(out, Not(HasSubstr("443")));
  ::unsetenv("TMPDIR");
  ::unsetenv("VISUAL");
}

TEST_F(RunningServer, GoesBackToABackupWhileItRuns) {
  const std::string backup = dir.file("backup");
  ASSERT_EQ(type({"user", "add", "bob@example.com"}), 0) << err;
  ASSERT_EQ(type({"backup", backup}), 0) << err;
  EXPECT_EQ(type({"backup", backup}), 1);
  EXPECT_THAT(err, HasSubstr("is not overwritten"));
  ASSERT_EQ(type({"user", "add", "carol@example.com"}), 0) << err;
  EXPECT_EQ(type({"restore", backup}), 2);
  EXPECT_THAT(err, HasSubstr("--yes"));
  ASSERT_EQ(type({"restore", backup, "--yes"}), 0) << err;
  ASSERT_EQ(type({"user", "ls"}), 0) << err;
  EXPECT_THAT(out, HasSubstr("bob@example.com"));
  EXPECT_THAT(out, Not(HasSubstr("carol@example.com")));
  // What came after the restore stays.
  ASSERT_EQ(type({"user", "add", "dora@example.com"}), 0) << err;
  stop(SIGKILL);
  start();
  ASSERT_EQ(type({"user", "ls"}), 0) << err;
  EXPECT_THAT(out, HasSubstr("dora@example.com"));
}

TEST_F(RunningServer, RestoresIntoAFolderThatIsNotThere) {
  const std::string backup = dir.file("backup");
  ASSERT_EQ(type({"user", "add", "bob@example.com"}), 0) << err;
  ASSERT_EQ(type({"backup", backup}), 0) << err;
  stop(SIGTERM);
  std::filesystem::remove_all(home());
  ASSERT_EQ(type({"restore", backup, "--yes"}), 0) << err;
  ASSERT_EQ(type({"config", "check"}), 0) << err;
  start();
  ASSERT_EQ(type({"user", "ls"}), 0) << err;
  EXPECT_THAT(out, HasSubstr("bob@example.com"));
}

TEST_F(RunningServer, ReplacesNothingByWhatIsNoBackup) {
  ASSERT_EQ(type({"user", "add", "bob@example.com"}), 0) << err;
  ASSERT_EQ(type({"backup", dir.file("backup")}), 0) << err;
  std::string torn = *read_file(dir.file("backup"));
  torn.resize(torn.size() / 2);
  for (const auto& [name, text] :
       std::map<std::string, std::string>{{"torn", torn}, {"text", "hello"}, {"nothing", ""}}) {
    EXPECT_EQ(type({"restore", file(name, text), "--yes"}), 1) << name;
    EXPECT_THAT(err, HasSubstr(name));
  }
  EXPECT_EQ(type({"restore", dir.file("absent"), "--yes"}), 1);
  ASSERT_EQ(type({"user", "ls"}), 0) << err;
  EXPECT_THAT(out, HasSubstr("bob@example.com"));
}

TEST_F(RunningServer, HelpsWithWhatIsNamed) {
  for (const std::vector<std::string>& line :
       {std::vector<std::string>{"help", "posture"}, {"posture", "--help"}}) {
    ASSERT_EQ(type(line), 0);
    EXPECT_THAT(out, HasSubstr("ayatori-coord posture add"));
    EXPECT_THAT(out, Not(HasSubstr("ayatori-coord init")));
  }
  ASSERT_EQ(type({"help", "flows"}), 0);
  EXPECT_THAT(out, testing::StartsWith("ayatori-coord flows "));
  for (const char* word : {"help", "--help"}) {
    ASSERT_EQ(type({word}), 0);
    EXPECT_THAT(out, HasSubstr("ayatori-coord init"));
  }
}

TEST_F(RunningServer, ShowsItsConfigurationWithDefaults) {
  ASSERT_EQ(type({"config", "show"}), 0) << err;
  EXPECT_THAT(out, HasSubstr("stun_listen = off\n"));
  std::ofstream(home() + "/config", std::ios::app) << "\nnonsense = 1\n";
  EXPECT_EQ(type({"config", "check"}), 1);
  EXPECT_THAT(err, HasSubstr("nonsense"));
}

TEST_F(RunningServer, IsLookedAtByADoctor) {
  EXPECT_EQ(type({"doctor"}), 0) << out << err;
  EXPECT_THAT(out, HasSubstr("ok      mail: not configured"));
  stop(SIGTERM);
  std::ofstream(home() + "/coord.db", std::ios::in | std::ios::out).seekp(4096) << "scratched";
  EXPECT_EQ(type({"doctor"}), 1);
  EXPECT_THAT(out, HasSubstr("FAILED  database: "));
  EXPECT_THAT(out, HasSubstr("FAILED  server: "));
  EXPECT_THAT(out, HasSubstr("ok      certificate\n"));
}

TEST_F(RunningServer, DoesWithoutMailAndSaysSo) {
  ASSERT_EQ(type({"contact", "set", "support", "help@example.com"}), 0) << err;
  ASSERT_EQ(type({"contact", "ls"}), 0) << err;
  EXPECT_THAT(out, HasSubstr("support   help@example.com"));
  EXPECT_EQ(type({"contact", "resend", "support"}), 1);
  EXPECT_THAT(err, HasSubstr("no address waits"));
  ASSERT_EQ(type({"invite", "add", "--email", "dora@example.com"}), 0) << err;
  EXPECT_THAT(out, HasSubstr("pass the link on yourself"));
  EXPECT_EQ(type({"invite", "resend", "1"}), 1);
  EXPECT_THAT(err, HasSubstr("smtp_url is not set"));
  EXPECT_EQ(type({"mail", "test", "dora@example.com"}), 1);
  EXPECT_THAT(err, HasSubstr("smtp_url is not set"));
}

TEST_F(RunningServer, ShowsItsLogAsItGrows) {
  const std::string log = dir.file("log");
  const pid_t reader = ::fork();
  if (reader == 0) {
    std::freopen(log.c_str(), "w", stdout);
    ::_exit(coord::run({"--dir", home(), "audit", "-f"}));
  }
  ASSERT_EQ(type({"user", "add", "bob@example.com"}), 0) << err;
  std::string seen;
  for (int i = 0; i < 500 && seen.find("bob@example.com") == std::string::npos; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    seen = *read_file(log);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(700));  // one more look
  EXPECT_EQ(*read_file(log), seen);
  EXPECT_THAT(seen, HasSubstr("bob@example.com"));
  ::kill(reader, SIGKILL);
  ::waitpid(reader, nullptr, 0);
}

// The server counts rows by the column, and gives no more than 32 MB at once.
TEST_F(RunningServer, ShowsMoreFlowsThanTheServerGivesAtOnce) {
  sqlite3* raw = nullptr;
  ASSERT_EQ(sqlite3_open((home() + "/coord.db").c_str(), &raw), SQLITE_OK);
  sqlite3_busy_timeout(raw, 5000);
  const char* busy_hour = R"sql(
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600)
    INSERT INTO flow_logs (account_id, node, logged, start, bytes, traffic)
    SELECT 1, 'n1', at, at, 200000,
           '{"virtualTraffic":[{"proto":6,"src":"100.64.0.1:1","dst":"100.64.0.2:2","txBytes":1}]}'
    FROM (SELECT (unixepoch() - 5 * i) * 1000000 AS at FROM n))sql";
  EXPECT_EQ(sqlite3_exec(raw, busy_hour, nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(raw);
  ASSERT_EQ(type({"flows", "--since", "2h"}), 0) << err;
  EXPECT_THAT(out, HasSubstr("600 B"));
  EXPECT_EQ(type({"flows", "--node", "nobody"}), 7) << out;
}

TEST_F(RunningServer, KnowsWhetherItsLogIsWhatWasWritten) {
  ASSERT_EQ(type({"account", "add", "lab"}), 0) << err;
  ASSERT_EQ(type({"user", "add", "bob@example.com"}), 0) << err;
  ASSERT_EQ(type({"audit", "ls", "--event", "USER.CREATE", "--target", "bob@example.com"}), 0);
  EXPECT_THAT(out, HasSubstr("bob@example.com"));
  EXPECT_EQ(type({"audit", "ls", "--event", "USER.DELETE"}), 0);
  EXPECT_THAT(out, Not(HasSubstr("bob@example.com")));
  EXPECT_EQ(type({"audit", "verify"}), 0) << out << err;
  EXPECT_THAT(out, HasSubstr("default: 2 lines"));
  EXPECT_THAT(out, HasSubstr("lab: "));

  sqlite3* raw = nullptr;
  ASSERT_EQ(sqlite3_open((home() + "/coord.db").c_str(), &raw), SQLITE_OK);
  sqlite3_busy_timeout(raw, 5000);
  const char* somebody =
      "DROP TRIGGER audit_is_append_only;"
      "UPDATE audit_log SET target_name = 'eve' WHERE target_name = 'bob@example.com'";
  EXPECT_EQ(sqlite3_exec(raw, somebody, nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(raw);
  EXPECT_EQ(type({"audit", "verify"}), 1);
  EXPECT_THAT(out, HasSubstr("does not say what was written"));
  EXPECT_THAT(err, HasSubstr("1 of 2 networks"));
  EXPECT_EQ(type({"audit", "verify", "--json"}), 1);
  EXPECT_THAT(out, HasSubstr("\"kind\": \"changed\""));
  EXPECT_EQ(type({"audit", "verify", "--account", "lab"}), 0) << out << err;
}

}  // namespace
}  // namespace aya::coord
