// `ayatori` by its own name on a small network: alpha, which it runs on, beta and gamma.
#pragma once

#include <gtest/gtest.h>

#include "cli/program.h"
#include "tests/cli/fake_console.h"
#include "tests/cli/fake_daemon.h"
#include "tests/support/temp_dir.h"

namespace aya::test {

class Ayatori : public testing::Test {
 protected:
  Ayatori() {
    host.now.backend_state = local::BackendState::Running;
    host.now.magic_dns_suffix = "mesh.example";
    host.now.self = node("1", "alpha", "100.64.0.1");
    host.now.tailscale_ips = host.now.self.tailscale_ips;
    host.now.peers = {node("2", "beta", "100.64.0.2"), node("3", "gamma", "100.64.0.3")};
    host.kept.control_url = "https://mesh.example";
    host.kept.logged_out = false;
    host.kept.want_running = true;
    console.machine.insert(*IpAddress::parse("100.64.0.1"));
  }

  static local::PeerStatus node(std::string id, const std::string& name, std::string_view ip) {
    local::PeerStatus out;
    out.public_key = *NodePublicKey::parse("nodekey:" + std::string(63, '0') + id);
    out.id = std::move(id);
    out.host_name = name;
    out.dns_name = name + ".mesh.example.";
    out.os = "linux";
    out.tailscale_ips = {*IpAddress::parse(ip)};
    out.online = true;
    return out;
  }

  void log_out() {
    host.now.backend_state = local::BackendState::NeedsLogin;
    host.kept = local::Prefs{};
  }

  int run(std::vector<std::string> words) {
    TempDir folder;
    const std::string socket = folder.file("s");
    FakeDaemon daemon(host, socket, caller);
    daemon.answer_instead(answers);
    words.insert(words.begin(), {"/usr/bin/ayatori", "--socket", socket});
    return cli::run_program(console, words);
  }
  const std::string& out() const { return console.stdout_text; }
  const std::string& err() const { return console.stderr_text; }

  void beta_answers_directly(double seconds) {
    local::PingResult pong;
    pong.endpoint = "198.51.100.7:41641";
    beta_answers(std::move(pong), seconds);
  }
  void beta_answers_by_relay(double seconds) {
    local::PingResult pong;
    pong.derp_region_id = 9;
    pong.derp_region_code = "fra";
    beta_answers(std::move(pong), seconds);
  }
  void beta_answers(local::PingResult pong, double seconds) {
    pong.node_ip = "100.64.0.2";
    pong.node_name = "beta";
    pong.latency_seconds = seconds;
    host.on_ping = [pong](const localapi::PingRequest&) { return pong; };
  }

  RecordedHost host;
  FakeConsole console;
  std::uint32_t caller = 0;
  std::map<std::string, FakeDaemon::Canned> answers;  // by path, in place of the host's
};

}  // namespace aya::test
