// Every recorded command of a verb that we have, in strict mode, against a daemon in the state in
// which it was recorded. What may differ is listed by name, with the reason
// (vectors/cli/README.md).
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>

#include "cli/commands/table.h"
#include "cli/program.h"
#include "cli/text.h"
#include "tests/cli/fake_console.h"
#include "tests/cli/fake_daemon.h"
#include "tests/cli/scene.h"
#include "tests/support/temp_dir.h"

namespace aya::test {
namespace {

// Help and errors for people, in our words; the stream and the status are the same.
const std::set<std::string> kOwnWords = {
    "help",
    "no-verb",
    "nodaemon-ip",
    "nodaemon-status",
    "nodaemon-up",
    "ip-unknown-peer",
    "ping-unknown-name",
    "set-no-flags",
    "set-bad-bool",
    "set-bad-tags",
    "set-unknown-flag",
    "set-relay-port-bad",
    "status-help",
    "stopped-wait-timeout",
    "up-help",
    "up-repeated-flag",
    "up-unknown-flag",
    "unpriv-set"};
// Our own version, and hints about other things than the recording had.
const std::set<std::string> kOwnOutput = {"version", "version-daemon", "version-json"};
// The recording carries more than the daemon's report: counters, and lines of a port mapper.
const std::set<std::string> kOtherNetcheck = {
    "netcheck", "netcheck-json", "netcheck-json-line", "netcheck-bad-format",
    "stopped-netcheck-json"};

// Its parts are compared by name: the figures are of another machine.
const std::set<std::string> kMetrics = {
    "metrics", "metrics-print", "needslogin-metrics-print", "stopped-metrics-print"};
const std::set<std::string> kMarkers = {
    "bugreport", "bugreport-note", "bugreport-real-marker", "bugreport-real-marker-note",
    "unpriv-bugreport"};
// A key to lock the network with, which this node does not have.
const std::set<std::string> kNoLockKey = {"lock-status", "lock-status-json"};

// Verbs that are not built, and why: their cases are left.
const std::map<std::string, std::string> kNotDone = {
    {"exit-node", "lists and suggestions of exit nodes are not built"},
};

std::string verb_of(const Json& argv) {
  if (argv.size() < 2 || argv.at(1).get<std::string>().starts_with("-")) return "";
  return argv.at(1);
}

bool is_left(const std::string& verb) {
  return kNotDone.contains(verb) && cli::find_command(verb) == nullptr;
}

std::string without_health(const std::string& text) {
  return text.substr(0, text.find("\n# Health check:"));
}

// The value of a block of JSON, without fields that we have no use for.
Json comparable(const std::string& text) {
  Json value = Json::parse(text, nullptr, false);
  if (!value.is_object()) return text;
  for (const char* name : {"QR", "GlobalV4Counters", "GlobalV6Counters"}) value.erase(name);
  return value;
}

// Blocks of JSON and the text after them.
std::vector<std::string> blocks(const std::string& text) {
  std::vector<std::string> out;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = text.find("\n}\n", begin);
    const std::size_t next = end == std::string::npos ? text.size() : end + 3;
    out.push_back(text.substr(begin, next - begin));
    begin = next;
  }
  return out;
}

std::string indentation(const std::string& block) {
  if (!block.starts_with("{\n")) return "";
  return block.substr(2, block.find('"') - 2);
}

void replace_all(std::string& text, const std::string& what, const std::string& with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) {
    text.replace(at, what.size(), with);
  }
}

// Metric names with their labels, and their types.
std::set<std::string> samples_of(const std::string& text) {
  std::set<std::string> out;
  for (const std::string& line : cli::split(text, '\n')) {
    const bool about_serving = line.find("tailscaled_serve_") != std::string::npos;
    if (line.empty() || about_serving || line.starts_with("# HELP")) continue;
    out.insert(line.starts_with("#") ? line : line.substr(0, line.rfind(' ')));
  }
  return out;
}

void expect_output(const std::string& name, const std::string& got, const std::string& recorded) {
  if (kMarkers.contains(name)) {
    EXPECT_TRUE(std::regex_match(got, std::regex("BUG-[0-9a-f]{64}-[0-9]{14}Z-[0-9a-f]{16}\n")))
        << got;
    return;
  }
  if (kMetrics.contains(name)) {
    const auto mine = samples_of(got);
    for (const std::string& sample : samples_of(recorded)) {
      EXPECT_TRUE(mine.contains(sample)) << sample;
    }
    return;
  }
  if (kNoLockKey.contains(name)) {
    const Json theirs = Json::parse(recorded, nullptr, false);
    if (theirs.is_discarded()) {
      EXPECT_TRUE(recorded.starts_with(got)) << got;
      return;
    }
    Json mine = Json::parse(got);
    mine["PublicKey"] = theirs.at("PublicKey");
    EXPECT_EQ(Json::diff(theirs, mine), Json::array());
    return;
  }
  if (name == "completion-complete-flags") {  // descriptions are in our words
    EXPECT_TRUE(got.starts_with("--json\t") && got.ends_with("\n:0\n")) << got;
    return;
  }
  if (kOwnOutput.contains(name)) {
    EXPECT_EQ(got.empty(), recorded.empty());
    return;
  }
  if (name == "up-authkey") {  // the lines after the first two are about the interfaces' offloads
    EXPECT_TRUE(recorded.starts_with(got) && got.starts_with("Warning: IP forwarding")) << got;
    return;
  }
  if (name == "netcheck") return;  // no report goes with it; see program_test
  if (name == "status") {          // whose health lines were recorded as JSON, too
    EXPECT_EQ(got, recorded);
  }
  const auto mine = blocks(without_health(got)), theirs = blocks(without_health(recorded));
  ASSERT_EQ(mine.size(), theirs.size()) << got << "\nrecorded:\n" << recorded;
  for (std::size_t i = 0; i < mine.size(); ++i) {
    EXPECT_EQ(comparable(mine[i]), comparable(theirs[i]));
    EXPECT_EQ(indentation(mine[i]), indentation(theirs[i]));
  }
}

void expect_errors(const std::string& name, const std::string& got, const std::string& recorded) {
  if (kOtherNetcheck.contains(name) || kOwnOutput.contains(name)) return;
  if (kOwnWords.contains(name)) {
    EXPECT_EQ(got.empty(), recorded.empty()) << got;
    return;
  }
  EXPECT_EQ(got, recorded);
}

// Each login of the recordings had an address of its own.
std::string login_url_in(const Json& recorded) {
  const std::string said =
      recorded.at("stdout").get<std::string>() + recorded.at("stderr").get<std::string>();
  const std::size_t at = said.find("https://10.203.0.1:8443/register/");
  return at == std::string::npos ? "" : said.substr(at, said.find_first_of("\"\n", at) - at);
}

void run_case(const Recordings& recordings, const Json& recorded) {
  const std::string name = recorded.at("name");
  SCOPED_TRACE(name);
  TempDir folder;
  const std::string socket = folder.file("s");
  RecordedHost host;
  const Scene scene = set_scene(recordings, recorded, host);
  std::optional<FakeDaemon> daemon;
  if (scene.daemon) daemon.emplace(host, socket, scene.caller);
  if (daemon) daemon->answer_instead(scene.answers);

  FakeConsole console;
  console.calendar = *parse_rfc3339("2026-01-02T03:05:30Z");
  for (const IpAddress& address : host.now.tailscale_ips) console.machine.insert(address);
  std::vector<std::string> argv = {"/usr/bin/tailscale", "--socket=" + socket};
  for (std::size_t i = 1; i < recorded.at("argv").size(); ++i) {
    std::string word = recorded.at("argv").at(i);
    // Nobody has to wait that long for what will not come.
    if (word.starts_with("--timeout=")) word = "--timeout=200ms";
    argv.push_back(std::move(word));
  }
  const int exit = cli::run_program(console, argv);
  if (daemon) daemon->stop();

  std::string errors = console.stderr_text, output = console.stdout_text;
  replace_all(errors, "--socket=" + socket, "--socket=SOCKET");
  const std::string url = login_url_in(recorded);
  replace_all(errors, host.login_url, url);
  replace_all(output, host.login_url, url);
  EXPECT_EQ(exit, recorded.at("exit").get<int>()) << errors;
  expect_output(name, output, recorded.at("stdout"));
  expect_errors(name, errors, recorded.at("stderr"));
}

TEST(RecordedCommands, EveryCommandBehavesAsRecordedExceptOfVerbsThatAreNotDone) {
  const Recordings recordings;
  std::size_t ran = 0, left = 0;
  for (const Json& recorded : recordings.cli()) {
    const std::string verb = verb_of(recorded.at("argv"));
    if (is_left(verb)) {
      const std::string name = recorded.at("name");
      std::printf("[ left     ] %s: %s\n", name.c_str(), kNotDone.at(verb).c_str());
      ++left;
      continue;
    }
    run_case(recordings, recorded);
    ++ran;
  }
  std::printf("[ vectors  ] cli.json: %zu ran, %zu left\n", ran, left);
  EXPECT_GE(ran, 205u);
}

}  // namespace
}  // namespace aya::test
