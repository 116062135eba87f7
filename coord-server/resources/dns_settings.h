// What people say about DNS, read and written (interfaces 1.10). For .cpp files only. Pure.
#pragma once

#include "coord-server/api/json.h"
#include "proto/control/dns_config.h"

namespace aya::resources {

using api::Answer;
using api::Json;

// "corp.example", in lower case and without a trailing dot; other spellings of a domain name
// ("Corp.Example.", and names in other scripts) become this one.
Answer<std::string> domain_name(const std::string& text);

// "1.1.1.1", "[2001:db8::1]:53", "https://dns.example/dns-query".
Answer<control::Resolver> name_server(const std::string& address);
Answer<std::vector<control::Resolver>> name_servers(const std::vector<std::string>& addresses);

// Domain to servers, as in split-dns; null and [] are empty lists. `own`: the domain of the
// account, which nobody else answers for.
using SplitDns = std::map<std::string, std::vector<control::Resolver>>;
Answer<SplitDns> split_dns(const Json& object, const std::string& own);

// The servers stand in one of two lists (store::Account::dns).
const std::vector<control::Resolver>& servers_of(const control::DnsConfig& dns);
bool overrides_local(const control::DnsConfig& dns);
void set_servers(
    std::vector<control::Resolver> servers, bool override_local, control::DnsConfig& dns);

// The whole of it but for records: {nameservers, splitDNS, searchPaths, preferences}. What is
// absent in a request is empty or false.
Json configuration_json(const control::DnsConfig& dns);
// `dns` has the records to keep.
Answer<control::DnsConfig> configuration_from(
    const Json& object, const std::string& own, control::DnsConfig dns);

// [{name, type, value}]: A, AAAA, and CNAME for another name of a node. A name without a dot is one
// in the account's domain.
Json records_json(const std::vector<control::DnsRecord>& records);
Answer<std::vector<control::DnsRecord>> records_from(const Json& list, const std::string& own);

Json addresses_json(const std::vector<control::Resolver>& servers);
Json split_json(const SplitDns& split);

}  // namespace aya::resources
