// `ayatorid wg IFNAME`: a plain WireGuard interface, a drop-in for `wireguard-go -f IFNAME`. It is
// steered by the stock `wg` and `wg-quick` through /var/run/wireguard/IFNAME.sock.
#pragma once

#include <string>

#include "proto/log/logger.h"

namespace aya::plain {

// Runs until SIGTERM, SIGINT or the interface's deletion. Returns the exit status; what was wrong
// has been printed as one line that says what to do.
int run(const std::string& interface, Logger& log);

}  // namespace aya::plain
