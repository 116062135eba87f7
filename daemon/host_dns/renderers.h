// What programs of the host are told, in their own words. Pure.
#pragma once

#include <string>
#include <vector>

#include "daemon/host_dns/bus.h"
#include "daemon/host_dns/resolv_conf.h"

namespace aya::host_dns {

// systemd-resolved, about the link with this index: its servers come last, so that no question is
// sent there before it is known which ones are. `with_reverse_zones`: a message has a limit, and
// reverse names are missed least.
std::vector<BusCall> resolved_calls(int link, const Wanted& wanted, bool with_reverse_zones);
BusCall resolved_revert(int link);
BusCall resolved_flush();

// NetworkManager, by `nmcli`: `device modify` changes what is applied and stores nothing.
std::vector<std::string> nmcli_arguments(const std::string& link, const Wanted& wanted);
std::vector<std::string> nmcli_undo_arguments(const std::string& link);

// A record for either kind of `resolvconf`.
std::string resolvconf_record(const Wanted& wanted);
// "tun-" sorts it in front of ordinary interfaces: /etc/resolvconf/interface-order has "tun*"
// first.
std::string resolvconf_record_name(const std::string& link);

// dnsmasq, for the names of the mesh. Never for all: a router's dnsmasq serves the whole LAN, whose
// names must not depend on us.
std::string dnsmasq_file(const Wanted& wanted);

}  // namespace aya::host_dns
