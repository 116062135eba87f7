#include "daemon/app/cleanup.h"

#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "daemon/firewall/host_rules_link.h"
#include "daemon/host_dns/host_dns.h"
#include "daemon/os/routes.h"
#include "proto/io/unix_stream.h"

namespace aya::app {
namespace {

using namespace std::chrono_literals;

// A daemon that was killed this moment may have started a program that still holds its socket.
constexpr int kAskTimes = 20;
constexpr auto kAskEvery = 50ms;
// ... or still does what it was told: what it puts there is taken away as well.
constexpr auto kProgramsEndWithin = 300ms;

bool daemon_is_running(const std::string& socket) {
  io::Loop loop;
  for (int i = 0; i < kAskTimes; ++i) {
    if (!io::connect_unix(loop, socket)) return false;
    std::this_thread::sleep_for(kAskEvery);
  }
  return true;
}

class CleanUp {
 public:
  explicit CleanUp(const Options& options) : options_(options) {
    places_.state_dir = options.state_dir;
    places_.link = options.tun;
  }

  // What decides where packets go comes first; names are of use only when packets flow.
  void run() {
    failures_.clear();
    if (const auto removed = os::remove_leftovers(); !removed) {
      failures_.push_back("routes are left over: " + removed.error().message());
    }
    if (const auto left = firewall::remove_all(
            {.sysctl_record = options_.sysctl_record(),
             .disarm = options_.disarm,
             .kill_switch_note = options_.kill_switch_note()})) {
      failures_.push_back("the firewall is not as it was: " + *left);
    }
    const auto names = host_dns::restore_all(places_);
    if (!names) {
      failures_.push_back("the resolver is not as it was: " + names.error().message());
    } else if (!names->empty()) {
      std::printf("%s\n", names->c_str());
    }
  }
  const std::vector<std::string>& failures() const { return failures_; }

 private:
  const Options& options_;
  host_dns::Places places_;
  std::vector<std::string> failures_;
};

}  // namespace

int clean_up(const Options& options) {
  if (daemon_is_running(options.socket)) {
    std::fprintf(
        stderr,
        "ayatorid: a daemon is running at %s, and would lose what it needs; stop it first, or run "
        "`ayatori down`\n",
        options.socket.c_str());
    return 1;
  }
  CleanUp work(options);
  work.run();
  std::this_thread::sleep_for(kProgramsEndWithin);
  work.run();
  for (const std::string& failure : work.failures()) {
    std::fprintf(stderr, "ayatorid: %s\n", failure.c_str());
  }
  return work.failures().empty() ? 0 : 1;
}

}  // namespace aya::app
