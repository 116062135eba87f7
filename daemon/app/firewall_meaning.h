// What map and settings mean for the host's firewall and for its forwarding: pure, as map_meaning.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/firewall/firewall_link.h"
#include "daemon/os/interfaces.h"
#include "daemon/os/marks.h"
#include "proto/local/prefs.h"

namespace aya::app {

struct FirewallFacts {
  std::string tun;
  std::uint16_t listen_port = 0;
  std::vector<std::uint16_t> ports;    // of all our own UDP sockets
  std::vector<IpAddress> self, peers;  // to be guarded
  os::BypassMark mark;
  os::NetworkSnapshot networks;
  bool uses_exit = false;  // Internet traffic goes by an exit node, or nowhere
};

firewall::FirewallLink::Node firewall_node(FirewallFacts facts, const local::Prefs& prefs);

// Armed while the node is meant to be up with an exit node and strictly so; nullopt: not.
std::optional<firewall::KillSwitch> kill_switch(
    const local::Prefs& prefs, const os::NetworkSnapshot& networks, const std::string& tun,
    const os::BypassMark& mark);

}  // namespace aya::app
