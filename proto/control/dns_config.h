// How a node resolves names (control 6.8).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "proto/netaddr/ip_address.h"

namespace aya::control {

struct Resolver {
  std::string addr;  // IP, IP:port, https://… (DoH) or http://nodeip:port/path
  std::vector<IpAddress> bootstrap_resolution;
  bool use_with_exit_node = false;
  friend bool operator==(const Resolver&, const Resolver&) = default;
};

struct DnsRecord {
  std::string name, type, value;  // A and AAAA only, told apart by the value
  friend bool operator==(const DnsRecord&, const DnsRecord&) = default;
};

struct DnsConfig {
  std::vector<Resolver> resolvers;                      // global, instead of the host's own
  std::map<std::string, std::vector<Resolver>> routes;  // suffix; no resolver: answered by us
  std::vector<Resolver> fallback_resolvers;
  std::vector<std::string> domains;  // search list, without trailing dots
  bool proxied = false;              // MagicDNS on
  std::vector<IpAddress> nameservers;
  std::vector<std::string> cert_domains;
  std::vector<DnsRecord> extra_records;
  std::vector<std::string> exit_node_filtered_set;
  std::string temp_corp_issue_13969;
  friend bool operator==(const DnsConfig&, const DnsConfig&) = default;
};

}  // namespace aya::control
