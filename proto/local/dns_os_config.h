// How the host itself resolves names, and what we have told it: the answer of `dns-osconfig`.
#pragma once

#include <string>
#include <vector>

#include "proto/netaddr/ip_address.h"

namespace aya::local {

struct DnsOsConfig {
  // The host's own, without us: deployed daemons say these three.
  std::vector<IpAddress> nameservers;
  std::vector<std::string> search_domains;
  std::vector<std::string> match_domains;

  // Ours in addition.
  std::string mode;      // "direct", "systemd-resolved"
  bool applied = false;  // the host asks us
  bool split = false;    // for names of the mesh alone
};

std::string to_json_line(const DnsOsConfig& config);

}  // namespace aya::local
