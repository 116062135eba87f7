// The DHCP servers that gave this host its addresses, from what the usual clients write down:
// systemd-networkd, NetworkManager, dhclient. A host that cannot reach its server loses its address
// when the lease ends, so its routing has to know them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proto/netaddr/ip_address.h"

namespace aya::os {

// Of one lease file of any of these clients: servers of every lease in it, also of past ones. Pure.
std::vector<IpAddress> parse_dhcp_servers(std::string_view lease_file);

// Of all lease files below `root`. Files that cannot be read are passed over.
std::vector<IpAddress> read_dhcp_servers(const std::string& root = "/");

}  // namespace aya::os
