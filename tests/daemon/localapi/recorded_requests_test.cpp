// Every recorded request, answered by LocalApi over the recorded state. A route that is known but
// not built answers 501, as the recorded daemon does where a feature is left out.
#include <gtest/gtest.h>

#include <cstdio>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "daemon/localapi/local_api.h"
#include "proto/base/base64.h"
#include "tests/support/seeded_rng.h"
#include "tests/support/recorded_host.h"

namespace aya::test {
namespace {

using localapi::ExchangeId;
using localapi::LocalApi;
using localapi::LocalEffects;

constexpr std::uint32_t kNobody = 65534;

// Errors that no client reads, in our words (vectors/cli/README.md).
const std::set<std::string> kOwnWords = {
    "get-check-udp-gro-forwarding",
    "get-files-nosuch",
    "prefs-patch-bad-json",
    "prefs-patch-bad-route",
    "prefs-patch-bad-type",
    "start-bad-json",
    "stopped-ping",
    "unknown-root",
    "watch-ipn-bus-mask-004352",
    "watch-ipn-bus-mask-008448",
    "watch-ipn-bus-mask-016640",
    "watch-ipn-bus-mask-033024",
    "watch-ipn-bus-mask-065536"};
// Text for a person or a reader of metrics, in our words: its shape is compared below.
const std::set<std::string> kMarkers = {
    "bugreport", "bugreport-note", "bugreport-real-marker", "unpriv-post-bugreport"};
const std::set<std::string> kMetrics = {
    "get-usermetrics", "stopped-usermetrics", "unpriv-get-usermetrics"};

// Streams that were open while something went on; bus_test has them.
bool went_on(const std::string& name) {
  return name.find("-across-") != std::string::npos || name == "watch-ipn-bus-mask-000000" ||
         name == "watch-ipn-bus-mask-000256";
}

struct Answer {
  int status = 0;
  std::string type, body;
  std::vector<Json> frames;
};

http::Request request_of(const Json& recorded) {
  http::Request request;
  request.method = recorded.at("method");
  request.target = recorded.at("path");
  for (const auto& header : recorded.at("headers").items()) {
    request.headers.add(header.key(), header.value().get<std::string>());
  }
  if (recorded.contains("body") && recorded.at("body").is_string()) {
    append(request.body, as_bytes(recorded.at("body").get<std::string>()));
  }
  return request;
}

Answer ask(RecordedHost& host, const http::Request& request, std::uint32_t uid) {
  SeededRng rng;
  LocalApi api(host, rng, {.version = "1.0", .capability_version = 145, .own_uid = 0});
  LocalEffects effects;
  api.handle(ExchangeId{7}, request, {.uid = uid}, TimePoint{}, effects);
  for (const auto& [to, pong] : host.pongs) api.ping_done(to, pong, effects);
  for (const auto& [to, query] : host.questions) {
    if (host.dns_answer) api.dns_query_done(to, *host.dns_answer, effects);
  }
  for (const auto& [to, wanted] : host.dials) {
    const std::string where = wanted.host + ":" + std::to_string(wanted.port);
    const std::string text = "dial tcp " + where + ": connect: connection refused";
    api.dial_done(to, {localapi::DialOutcome::Kind::Failed, text}, effects);
  }
  Answer answer;
  const bool streams = !effects.streams.empty();
  if (streams == !effects.answers.empty()) {
    ADD_FAILURE() << "neither or both an answer and a stream";
    return answer;
  }
  const http::Response& response =
      streams ? effects.streams.front().head : effects.answers.front().response;
  answer.status = response.status;
  answer.type = response.headers.get("Content-Type");
  answer.body = as_text(response.body);
  for (const auto& line : effects.lines) {
    if (line.json.ends_with('\n')) answer.frames.push_back(Json::parse(line.json));
  }
  EXPECT_EQ(response.headers.get("Tailscale-Version"), "");
  return answer;
}

// --- the state in which a request was made ---

class Recordings {
 public:
  Recordings() : cases_(vector_cases("cli", "localapi.json")) {
    for (const Json& one : cases_) by_name_[one.at("name")] = one;
  }
  const std::vector<Json>& cases() const { return cases_; }
  std::string body(const std::string& name) const {
    return by_name_.at(name).at("response").at("body");
  }

  // Who stands behind the address that a case asks for; nobody if it was answered otherwise.
  void add_person(const Json& one, RecordedHost& host) const {
    const std::string path = one.at("request").at("path");
    if (path.find("/whois?") == std::string::npos || one.at("response").at("status") != 200) return;
    const Json body = Json::parse(one.at("response").at("body").get<std::string>());
    const local::WhoIs who = recorded_whois(body);
    for (const Json& prefix : body.at("Node").at("Addresses")) {
      host.people[Prefix::parse(prefix.get<std::string>())->address.to_text()] = who;
    }
    host.people[body.at("Node").at("Key")] = who;
  }

  // One login, or two of which the second is in use.
  void add_logins(const std::string& context, RecordedHost& host) const {
    if (host.now.backend_state == local::BackendState::NeedsLogin &&
        context.find("another profile") == std::string::npos) {
      return;
    }
    const bool two = context.find("two profiles") != std::string::npos;
    const auto profiles = local::parse_login_profiles(body(two ? "profiles-two" : "get-profiles"));
    ASSERT_TRUE(profiles);
    host.logins = *profiles;
    host.login = profiles->back().id;
  }

 private:
  std::vector<Json> cases_;
  std::map<std::string, Json> by_name_;
};

local::Status status_from(const std::string& json) {
  auto status = local::parse_status(json);
  EXPECT_TRUE(status);
  return *status;
}
local::Prefs prefs_from(const std::string& json) {
  auto prefs = local::parse_prefs(json);
  EXPECT_TRUE(prefs) << prefs.error();
  return *prefs;
}

local::DnsAnswer dns_answer_from(const std::string& json) {
  const Json body = Json::parse(json);
  local::DnsAnswer out;
  out.response = parse_base64(body.at("Bytes").get<std::string>()).value();
  for (const Json& resolver : body.at("Resolvers")) out.resolvers.push_back(resolver.at("Addr"));
  return out;
}

// What the first frame says of the moment in which it was sent.
void state_from_frame(const Json& frame, RecordedHost& host) {
  if (!frame.at("State").is_null()) {
    host.now.backend_state = static_cast<local::BackendState>(frame.at("State").get<int>());
  }
  if (!frame.at("Prefs").is_null()) host.kept = prefs_from(frame.at("Prefs").dump());
  host.now.auth_url =
      frame.at("BrowseToURL").is_null() ? "" : frame.at("BrowseToURL").get<std::string>();
  if (frame.contains("SelfChange")) host.self.text = frame.at("SelfChange").dump();
  if (!frame.at("NetMap").is_null()) host.map.text = frame.at("NetMap").dump();
  if (frame.contains("InitialStatus")) host.now = status_from(frame.at("InitialStatus").dump());
  if (frame.contains("PeerState")) {
    for (const auto& peer : frame.at("PeerState").items()) {
      const std::string since = peer.value().at("PeerWireGuardStateAt");
      host.sessions.push_back(
          {peer.key(), local::PeerSessionState::Established, parse_rfc3339(since)});
    }
  }
  if (frame.contains("Health") && frame.at("Health").at("Warnings").is_object()) {
    for (const auto& item : frame.at("Health").at("Warnings").items()) {
      const Json& warning = item.value();
      local::HealthWarning& problem = host.problems.emplace_back();
      problem.code = item.key();
      problem.severity = warning.value("Severity", "");
      problem.title = warning.value("Title", "");
      problem.text = warning.value("Text", "");
      problem.impacts_connectivity = warning.value("ImpactsConnectivity", false);
      if (warning.contains("BrokenSince")) {
        problem.broken_since = parse_rfc3339(warning.at("BrokenSince").get<std::string>());
      }
    }
  }
}

bool is_status(const std::string& path) { return path.starts_with("/localapi/v0/status"); }

void set_state(const Recordings& recordings, const Json& one, RecordedHost& host) {
  const std::string context = one.value("context", "");
  const std::string path = one.at("request").at("path");
  const Json& response = one.at("response");
  const bool fresh = context.find("never logged in") != std::string::npos ||
                     context.find("fresh empty profile") != std::string::npos ||
                     context.find("login pending") != std::string::npos;
  const std::string kind = fresh ? "needslogin-" : context.starts_with("stopped") ? "stopped-" : "";
  host.now = status_from(recordings.body(kind + "status"));
  host.kept = prefs_from(recordings.body(kind + "prefs"));
  if (!fresh) host.relays.text = recordings.body("get-derpmap");
  recordings.add_person(one, host);
  recordings.add_logins(context, host);
  if (path.find("/peer-by-id?id=2") != std::string::npos) {
    host.nodes[2].text = Json::parse(recordings.body("get-peer-by-id-id-2")).dump();
  }
  host.users["nobody"] = kNobody;
  if (context.find("OperatorUser") != std::string::npos) host.kept.operator_user = "nobody";
  if (response.at("status") == 200 && response.contains("body")) {
    const std::string body = response.at("body");
    if (is_status(path)) host.now = status_from(body);
    // Answers of an edit come from the prefs as they were after it: see prefs_test for the edit.
    const bool shows_prefs =
        path == "/localapi/v0/prefs" || path.starts_with("/localapi/v0/set-use-exit-node-enabled");
    if (shows_prefs) host.kept = prefs_from(body);
    if (path == "/localapi/v0/dns-config") host.dns.text = body;
    if (path.ends_with("packet-filter-rules")) host.rules.text = body;
    if (path.ends_with("packet-filter-matches")) host.matches.text = body;
    if (path.starts_with("/localapi/v0/dns-query")) host.dns_answer = dns_answer_from(body);
    if (path == "/localapi/v0/dns-osconfig") {
      const Json dns = Json::parse(body);
      for (const Json& server : dns.at("Nameservers")) {
        host.os_dns.nameservers.push_back(*IpAddress::parse(server.get<std::string>()));
      }
      host.os_dns.search_domains = dns.at("SearchDomains");
    }
    if (path == "/localapi/v0/tka/status") {
      const std::string key = Json::parse(body).at("NodeKey");
      host.now.self.public_key = *NodePublicKey::parse(key);
    }
    if (path == "/localapi/v0/check-ip-forwarding") {
      host.forwarding_problem = Json::parse(body).at("Warning");
    }
    if (path.starts_with("/localapi/v0/ping")) {
      const auto pong = local::parse_ping_result(body);
      host.on_ping = [pong](const localapi::PingRequest&) { return std::optional(*pong); };
    }
  }
  if (response.contains("frames") && !response.at("frames").empty() && !went_on(one.at("name"))) {
    state_from_frame(response.at("frames").front(), host);
  }
}

// --- comparing ---

std::string start_of(const std::string& type) { return type.substr(0, type.find(';')); }

// Tab-indented JSON is tab-indented on the wire, too.
bool is_indented(const std::string& text) {
  return text.starts_with("{\n\t") || text.starts_with("[\n\t");
}

void expect_marker(const std::string& got) {
  EXPECT_TRUE(std::regex_match(got, std::regex("BUG-[0-9a-f]{64}-[0-9]{14}Z-[0-9a-f]{16}\n")))
      << got;
}

// Names with their labels; what is served to peers is not counted, because nothing is served.
std::set<std::string> samples_of(const std::string& text) {
  std::set<std::string> out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const bool about_serving = line.find("tailscaled_serve_") != std::string::npos;
    if (line.empty() || about_serving || line.starts_with("# HELP")) continue;
    out.insert(line.starts_with("#") ? line : line.substr(0, line.rfind(' ')));
  }
  return out;
}

void expect_metrics(const std::string& got, const std::string& recorded) {
  const auto mine = samples_of(got), theirs = samples_of(recorded);
  for (const std::string& name : theirs) EXPECT_TRUE(mine.contains(name)) << name;
  EXPECT_GT(theirs.size(), 25u);
}

void expect_body(const std::string& name, const std::string& got, const std::string& recorded) {
  if (kOwnWords.contains(name)) {
    EXPECT_EQ(got.empty(), recorded.empty());
    return;
  }
  if (kMarkers.contains(name)) return expect_marker(got);
  if (kMetrics.contains(name)) return expect_metrics(got, recorded);
  if (name == "get-metrics") {  // counters of its own programs; only the form can be the same
    EXPECT_EQ(got.starts_with("# TYPE "), recorded.starts_with("# TYPE "));
    return;
  }
  const Json theirs = Json::parse(recorded, nullptr, false);
  if (theirs.is_discarded()) {
    EXPECT_EQ(got, recorded);
    return;
  }
  Json mine = Json::parse(got, nullptr, false);
  ASSERT_FALSE(mine.is_discarded()) << got;
  if (name.ends_with("tka-status")) {  // there is no key to lock with
    EXPECT_TRUE(mine.at("PublicKey").get<std::string>().starts_with("nlpub:"));
    mine["PublicKey"] = theirs.at("PublicKey");
  }
  // Clients take either for "nothing".
  const bool nothing = name == "get-files" || name == "get-serve-config";
  EXPECT_TRUE(mine == theirs || (nothing && mine.empty() && theirs.is_null()))
      << Json::diff(theirs, mine).dump(1);
  EXPECT_EQ(is_indented(got), is_indented(recorded));
  EXPECT_EQ(got.ends_with('\n'), recorded.ends_with('\n'));
}

void expect_first_frame(const Json& got, Json recorded) {
  recorded["Version"] = got.at("Version");
  if (recorded.contains("SessionID")) {
    ASSERT_TRUE(got.contains("SessionID"));
    EXPECT_EQ(got.at("SessionID").get<std::string>().size(), 16u);
    recorded["SessionID"] = got.at("SessionID");
  }
  if (recorded.contains("Policy")) recorded["Policy"] = got.at("Policy");  // theirs is about itself
  // Texts of ours have no arguments to fill in, and no front-end reads the hash of a warning.
  if (recorded.contains("Health") && recorded["Health"]["Warnings"].is_object()) {
    for (Json& warning : recorded["Health"]["Warnings"]) {
      warning.erase("Args");
      warning.erase("DependsOn");
      warning.erase("ETag");
    }
  }
  EXPECT_EQ(got, recorded) << Json::diff(recorded, got).dump(1);
}

void run_case(const Recordings& recordings, const Json& one) {
  const std::string name = one.at("name");
  SCOPED_TRACE(name);
  RecordedHost host;
  set_state(recordings, one, host);
  const std::string context = one.value("context", "");
  const bool stranger = context.find("unprivileged user") != std::string::npos ||
                        context.find("OperatorUser") != std::string::npos;
  const Answer answer = ask(host, request_of(one.at("request")), stranger ? kNobody : 0);
  const Json& recorded = one.at("response");
  if (recorded.at("status").is_null()) {
    // Where the recorded daemon never answered.
    EXPECT_EQ(answer.status, 400);
    return;
  }
  EXPECT_EQ(answer.status, recorded.at("status").get<int>()) << answer.body;
  if (answer.status == 204) {
    EXPECT_EQ(answer.body, "");
  } else if (answer.status != 501 && name != "unknown-root") {
    EXPECT_EQ(start_of(answer.type), start_of(recorded.at("headers").value("Content-Type", "")));
  }
  if (recorded.contains("body") && recorded.at("body").is_string() && answer.status != 501) {
    expect_body(name, answer.body, recorded.at("body"));
  }
  if (recorded.contains("frames")) {
    if (went_on(name)) return;
    EXPECT_EQ(answer.frames.size(), recorded.at("frames").size());
    if (!answer.frames.empty())
      expect_first_frame(answer.frames.front(), recorded.at("frames").front());
  }
}

TEST(RecordedRequests, EveryRequestIsAnsweredAsRecorded) {
  const Recordings recordings;
  for (const Json& one : recordings.cases()) run_case(recordings, one);
  std::printf("[ vectors  ] localapi.json: %zu ran\n", recordings.cases().size());
}

}  // namespace
}  // namespace aya::test
