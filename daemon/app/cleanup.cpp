#include "daemon/app/cleanup.h"

#include <cstdio>
#include <string>

#include "daemon/firewall/host_rules_link.h"
#include "daemon/host_dns/host_dns.h"
#include "daemon/os/routes.h"
#include "proto/io/unix_stream.h"

namespace aya::app {

int clean_up(const Options& options) {
  io::Loop loop;
  if (io::connect_unix(loop, options.socket)) {
    std::fprintf(
        stderr,
        "ayatorid: a daemon is running at %s, and would lose what it needs; stop it first, or run "
        "`ayatori down`\n",
        options.socket.c_str());
    return 1;
  }
  bool whole = true;
  const auto failed = [&](const char* what, const std::string& why) {
    std::fprintf(stderr, "ayatorid: %s: %s\n", what, why.c_str());
    whole = false;
  };
  // First what decides where packets go; names last, which are of use only when packets flow.
  if (const auto removed = os::remove_leftovers(); !removed) {
    failed("routes are left over", removed.error().message());
  }
  if (const auto left = firewall::remove_all(
          {.sysctl_record = options.sysctl_record(),
           .disarm = options.disarm,
           .kill_switch_note = options.kill_switch_note()})) {
    failed("the firewall is not as it was", *left);
  }
  host_dns::Places places;
  places.state_dir = options.state_dir;
  places.link = options.tun;
  const auto names = host_dns::restore_all(places);
  if (!names) {
    failed("the resolver is not as it was", names.error().message());
  } else if (!names->empty()) {
    std::printf("%s\n", names->c_str());
  }
  return whole ? 0 : 1;
}

}  // namespace aya::app
