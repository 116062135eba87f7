#include "tests/cli/scene.h"

#include <gtest/gtest.h>

#include "cli/text.h"
#include "proto/base/base64.h"

namespace aya::test {
namespace {

constexpr std::uint32_t kNobody = 65534;

local::PeerStatus* bravo(RecordedHost& host) {
  return host.now.peers.empty() ? nullptr : &host.now.peers.back();
}

void active(local::PeerStatus& peer, std::string at, std::uint64_t tx, std::uint64_t rx) {
  peer.active = true;
  peer.cur_addr = std::move(at);
  peer.tx_bytes = tx;
  peer.rx_bytes = rx;
}

// No status of bravo was recorded: the other side of alpha's.
void move_to_bravo(RecordedHost& host) {
  if (host.now.peers.empty()) return;
  std::swap(host.now.self, host.now.peers.front());
  host.now.tailscale_ips = host.now.self.tailscale_ips;
  host.now.peers.front().online = false;
}

// Things that only the recorded output tells about the moment.
void adjust_to(const std::string& name, RecordedHost& host) {
  using enum local::BackendState;
  local::PeerStatus* peer = bravo(host);
  if (name == "status-after-ping") active(*peer, "10.203.0.2:41641", 988, 748);
  if (name == "unpriv-status") active(*peer, "10.203.0.2:41641", 14868, 11288);
  if (name == "exit-node-list-none") peer->exit_node_option = false;
  if (name == "exit-node-list-selected") peer->exit_node = true;
  // The coordinator had not noticed yet.
  if (name == "exit-node-list-offline") peer->online = true;
  if (name == "status-exit-node-offline") {
    active(*peer, "", 1444, 456);
    peer->exit_node = true;
  }
  if (name == "status-after-force-reauth") {
    host.now.self.online = false;
    peer->tx_bytes = 16204;
    peer->rx_bytes = 12552;
  }
  if (name == "status-single") host.now.health.resize(1);
  if (name == "up-missing-flag-exit-node") host.kept.exit_node_id = "2";
  if (name == "get" || name == "get-json" || name.starts_with("get-set")) {
    host.kept.profile_name.clear();
    host.kept.auto_update_check = true;
  }
  if (name == "debug-prefs") host.kept.auto_update_check = true;
  if (name == "unpriv-debug-prefs") host.kept.auto_update_check = false;
  if (name == "bravo-up-missing-flags") {
    host.kept.hostname.clear();
    host.kept.advertise_routes = {
        *Prefix::parse("0.0.0.0/0"), *Prefix::parse("10.77.0.0/24"), *Prefix::parse("::/0")};
  }
  if (name == "up-bad-authkey") {
    host.login_problem =
        "handling register with auth key: failed to parse auth-key: key too short, expected at "
        "least 77 chars after prefix, got 16";
  }
  if (name == "up-authkey") host.now.peers.clear();
  if (name == "up-json-login-completed") host.person_logs_in = true;
}

local::PingResult pong_of(const Recordings& recordings, const std::string& name) {
  const Json& body = recordings.local(name).at("response").at("body");
  return *local::parse_ping_result(body.get<std::string>());
}

// The recorded latencies are of another run than the lines: both print whole milliseconds.
double latency_in(const Json& recorded_case, std::size_t line) {
  std::string text = recorded_case.at("stdout").get<std::string>();
  for (std::size_t i = 0; i < line; ++i) text.erase(0, text.find('\n') + 1);
  const std::size_t at = text.find(" in ");
  return at == std::string::npos ? 0 : std::atof(text.c_str() + at + 4) / 1000;
}

void answer_pings(const Recordings& recordings, const Json& recorded_case, RecordedHost& host) {
  const std::string name = recorded_case.at("name");
  auto asked = std::make_shared<std::size_t>(0);
  host.on_ping =
      [=, &recordings](const localapi::PingRequest& request) -> std::optional<local::PingResult> {
    if (name.find("peer-offline") != std::string::npos) return std::nullopt;
    if (request.ip.to_text() == "100.64.0.77") return pong_of(recordings, "ping-unknown");
    std::string which = "ping-" + std::string(local::to_text(request.type));
    if (name.find("relayed") != std::string::npos) which = "ping-disco-relayed";
    local::PingResult pong = pong_of(recordings, which);
    pong.latency_seconds = latency_in(recorded_case, (*asked)++);
    return pong;
  };
}

// --- the logins of the machine ---

void set_logins(const Recordings& recordings, const std::string& name, RecordedHost& host) {
  const auto body = [&recordings](const char* which) {
    return recordings.local(which).at("response").at("body").get<std::string>();
  };
  const bool two = name == "switch-list-two" || name == "switch-list-two-json" ||
                   name == "switch-list-after" || name == "switch-by-id" ||
                   name == "switch-by-nickname" || name == "switch-same";
  host.logins = *local::parse_login_profiles(body(two ? "profiles-two" : "get-profiles"));
  host.login = host.logins.back().id;
  // Later it was called "lab".
  if (name == "switch-list" || name == "switch-list-json") {
    host.logins.front().name = host.logins.front().user.login_name;
  }
  if (name == "switch-list-after" || name == "switch-by-nickname") {
    host.login = host.logins.front().id;
  }
  if (name == "switch-back" || name == "switch-list-after-logout") host.login.clear();
}

// --- names ---

void append_name(Buffer& out, const std::string& name) {
  std::size_t begin = 0;
  while (begin < name.size()) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    out.push_back(static_cast<std::byte>(end - begin));
    append(out, as_bytes(std::string_view(name).substr(begin, end - begin)));
    begin = end + 1;
  }
  out.push_back(std::byte{0});
}

// A response with at most one address, as the recorded resolver sent them.
std::string dns_answer_json(
    const std::string& name, unsigned type, unsigned code, std::optional<IpAddress> address) {
  const auto u16 = [](Buffer& out, unsigned value) {
    out.push_back(static_cast<std::byte>(value >> 8));
    out.push_back(static_cast<std::byte>(value));
  };
  Buffer out;
  for (const unsigned field : {1u, 0x8180u | code, 1u, address ? 1u : 0u, 0u, 0u}) u16(out, field);
  append_name(out, name);
  u16(out, type);
  u16(out, 1);
  if (address) {
    u16(out, 0xc00c);  // the name of the question
    for (const unsigned field : {1u, 1u, 0u, 5u, 4u}) u16(out, field);
    for (const std::string& part : cli::split(address->to_text(), '.')) {
      out.push_back(static_cast<std::byte>(std::stoi(part)));
    }
  }
  return Json{{"Bytes", to_base64(out)}, {"Resolvers", {{{"Addr", "10.203.0.1"}}}}}.dump();
}

void answer_names(const Recordings& recordings, const Json& recorded_case, Scene& scene) {
  const std::string name = recorded_case.at("name");
  if (name.find("dns-") == std::string::npos) return;
  const std::string base = "/localapi/v0/";
  const bool fresh = name.starts_with("needslogin-");
  scene.answers[base + "dns-config"] =
      fresh ? FakeDaemon::Canned{503, "no network map yet"}
            : FakeDaemon::Canned{200, recordings.local("get-dns-config").at("response").at("body")};
  if (!name.starts_with("unpriv-")) {
    scene.answers[base + "dns-osconfig"] = {
        500, "open /etc/resolv.pre-tailscale-backup.conf: no such file or directory"};
  }
  std::string& body = scene.answers[base + "dns-query"].body;
  if (name == "dns-query") {
    body = dns_answer_json("bravo.lab.example", 1, 0, IpAddress::parse("100.64.0.2"));
  } else if (name == "dns-query-extra-record") {
    body = dns_answer_json("printer.lab.example", 1, 0, IpAddress::parse("100.64.0.99"));
  } else if (name == "dns-query-nxdomain") {
    body = dns_answer_json("nosuch.lab.example", 1, 3, std::nullopt);
  } else {
    body = dns_answer_json("bravo.lab.example", 28, 0, std::nullopt);
  }
}

}  // namespace

Recordings::Recordings() {
  cli_ = vector_cases("cli", "cli.json");
  for (const Json& one : cli_) cli_by_name_[one.at("name")] = one;
  for (const Json& one : vector_cases("cli", "localapi.json")) {
    local_[one.at("name")] = one;
    const std::string path = one.at("request").at("path");
    const std::string query = "/localapi/v0/whois?addr=";
    if (!path.starts_with(query) || one.at("response").at("status") != 200) continue;
    const std::string address = path.substr(query.size(), path.find('&') - query.size());
    people_.emplace(
        address, recorded_whois(Json::parse(one.at("response").at("body").get<std::string>())));
  }
}

local::Status Recordings::status(const std::string& cli_case) const {
  const std::string text = cli_by_name_.at(cli_case).at("stdout");
  auto status = local::parse_status(text);
  EXPECT_TRUE(status) << cli_case;
  return *status;
}

local::Prefs Recordings::prefs(const std::string& local_case) const {
  const std::string text = local_.at(local_case).at("response").at("body");
  auto prefs = local::parse_prefs(text);
  EXPECT_TRUE(prefs) << local_case;
  return *prefs;
}

Scene set_scene(const Recordings& recordings, const Json& recorded_case, RecordedHost& host) {
  Scene scene;
  const std::string name = recorded_case.at("name");
  const std::string context = recorded_case.value("context", "");
  const auto says = [&context](std::string_view words) {
    return context.find(words) != std::string::npos;
  };
  host.now = recordings.status("status-json");
  host.kept = recordings.prefs("prefs");
  host.kept.hostname = "alpha";
  if (says("stopped") && !says("the daemon of bravo is stopped") && !says("as before")) {
    host.now = recordings.status("stopped-status-json");
    host.kept = recordings.prefs("stopped-prefs");
  }
  if (says("already down")) {
    host.now.backend_state = local::BackendState::Stopped;
    host.kept.want_running = false;
  }
  if (says("never logged in") || says("login pending") || says("as before without")) {
    host.now = recordings.status("needslogin-status-json");
    host.kept = recordings.prefs("needslogin-prefs");
  }
  if (name == "needslogin-status-authurl" || name == "needslogin-status-json-authurl") {
    host.now = recordings.status("needslogin-status-json-authurl");
  }
  if (says("logged out;") || says("after logout") || says("first login") ||
      says("after an unknown auth key") || says("profile logged out") ||
      says("interactive login; the admin")) {
    host.now = recordings.status("loggedout-status-json");
    host.kept.logged_out = true;
    host.kept.want_running = false;
  }
  if (says("the daemon of bravo is stopped"))
    host.now = recordings.status("status-json-peer-offline");
  if (says("UDP between alpha and bravo blocked"))
    host.now = recordings.status("status-json-relayed");
  if (name == "status-with-exit-node" || name == "status-json-with-exit-node") {
    host.now = recordings.status("status-json-with-exit-node");
  }
  if (says("no peers yet")) host.now.peers.clear();
  const bool joined = host.now.backend_state == local::BackendState::Running;
  if (name.starts_with("bravo-") && joined) move_to_bravo(host);
  host.people = recordings.people();
  if (!joined && host.now.backend_state != local::BackendState::Stopped) host.people.clear();
  // Each whois was asked at another time: network reports of the node had changed in between.
  if (name.find("whois-json") != std::string::npos && recorded_case.at("exit") == 0) {
    const Json asked = Json::parse(recorded_case.at("stdout").get<std::string>());
    host.people[recorded_case.at("argv").back()] = recorded_whois(asked);
  }
  host.relays.text = recordings.local("get-derpmap").at("response").at("body");
  if (says("unprivileged user")) scene.caller = kNobody;
  if (says("named by OperatorUser")) {
    scene.caller = kNobody;
    host.users["nobody"] = kNobody;
    host.kept.operator_user = "nobody";
  }
  scene.daemon = !says("no daemon listens");
  if (name.starts_with("netcheck") || name == "stopped-netcheck-json") {
    const std::string text = recorded_case.at("stdout");
    if (text.starts_with("{")) host.report.text = text;
  }
  if (name == "up-authkey") {
    const Json& body = recordings.local("bravo-get-check-ip-forwarding").at("response").at("body");
    host.forwarding_problem = Json::parse(body.get<std::string>()).at("Warning");
  }
  // Of two logins, one may be out.
  if (host.now.have_node_key || name.starts_with("switch-")) set_logins(recordings, name, host);
  answer_names(recordings, recorded_case, scene);
  adjust_to(name, host);
  answer_pings(recordings, recorded_case, host);
  return scene;
}

}  // namespace aya::test
