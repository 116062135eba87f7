// What map and settings mean for the host's firewall and for its forwarding: pure, as map_meaning.
#pragma once

#include <string>
#include <vector>

#include "daemon/firewall/plan.h"
#include "daemon/firewall/sysctl_link.h"
#include "daemon/os/interfaces.h"
#include "daemon/os/marks.h"
#include "proto/local/prefs.h"

namespace aya::app {

struct FirewallFacts {
  std::string tun;
  std::uint16_t listen_port = 0;
  std::vector<std::uint16_t> ports;  // of all our own UDP sockets
  std::vector<IpAddress> self, peers;
  os::BypassMark mark;
  os::NetworkSnapshot networks;
};

firewall::Plan firewall_plan(FirewallFacts facts, const local::Prefs& prefs);

// A family is forwarded while a route of it is offered.
firewall::Sysctls::Forwarding forwarding(const local::Prefs& prefs);

}  // namespace aya::app
