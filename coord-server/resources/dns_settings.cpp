#include "coord-server/resources/dns_settings.h"

#include <algorithm>

#include "proto/http/target.h"
#include "proto/idna/international_name.h"
#include "proto/netaddr/endpoint.h"

namespace aya::resources {
namespace {

using namespace api;

using control::DnsConfig;
using control::DnsRecord;
using control::Resolver;

constexpr std::size_t kLongestName = 253, kLongestLabel = 63;

// Underscores are for services ("_sip._tcp"), and real.
bool is_domain_label(std::string_view label) {
  return !label.empty() && label.size() <= kLongestLabel && label.front() != '-' &&
         label.back() != '-' && std::ranges::all_of(label, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
         });
}

bool is_domain(std::string_view name) {
  if (name.empty() || name.size() > kLongestName) return false;
  while (!name.empty()) {
    const std::size_t end = std::min(name.find('.'), name.size());
    if (!is_domain_label(name.substr(0, end))) return false;
    if (end + 1 == name.size()) return false;  // a dot and nothing behind it
    name.remove_prefix(std::min(end + 1, name.size()));
  }
  return true;
}

bool is_within(const std::string& name, const std::string& domain) {
  return name == domain || name.ends_with('.' + domain);
}

// Addresses at which no name server of anybody else can be.
bool can_serve(const IpAddress& address) {
  static const IpAddress kOwn4 = *IpAddress::parse("100.100.100.100");
  static const IpAddress kOwn6 = *IpAddress::parse("fd7a:115c:a1e0::53");
  return !address.is_unspecified() && !address.is_loopback() && !address.is_multicast() &&
         address != kOwn4 && address != kOwn6;
}

Answer<Resolver> server_from(const Json& object) {
  if (!object.is_object()) return ApiError::bad_request("nameserver: want an object with address");
  auto address = text_field(object, "address");
  if (!address) return address.error();
  auto server = name_server(*address);
  if (!server) return server;
  auto with_exit_node = flag_field(object, "useWithExitNode");
  if (!with_exit_node) return with_exit_node.error();
  server->use_with_exit_node = *with_exit_node;
  return server;
}

// Of strings or objects; null is empty.
Answer<std::vector<Resolver>> servers_from(const Json& list, const std::string& field) {
  std::vector<Resolver> out;
  if (list.is_null()) return out;
  if (!list.is_array()) return ApiError::bad_request(field + ": want a list");
  for (const Json& item : list) {
    auto server =
        item.is_string() ? name_server(item.get_ref<const std::string&>()) : server_from(item);
    if (!server) return server.error();
    if (std::ranges::find(out, server->addr, &Resolver::addr) == out.end()) {
      out.push_back(std::move(*server));
    }
  }
  return out;
}

Json server_json(const Resolver& server) {
  Json out = {{"address", server.addr}};
  if (server.use_with_exit_node) out["useWithExitNode"] = true;
  return out;
}

Json servers_json(const std::vector<Resolver>& servers) {
  Json out = Json::array();
  for (const Resolver& server : servers) out.push_back(server_json(server));
  return out;
}

Answer<DnsRecord> record_from(const Json& object, const std::string& own) {
  if (!object.is_object())
    return ApiError::bad_request("records: want objects with name and value");
  auto name_text = text_field(object, "name");
  if (!name_text) return name_text.error();
  auto name = domain_name(*name_text);
  if (!name) return name.error();
  if (name->find('.') == std::string::npos) *name += '.' + own;
  auto value = text_field(object, "value");
  if (!value) return value.error();
  auto type = text_field(object, "type");
  if (!type) return type.error();
  if (const auto address = IpAddress::parse(*value)) {
    const std::string right = address->is_v4() ? "A" : "AAAA";
    if (!type->empty() && *type != right) {
      return ApiError::bad_request(*value + " belongs in a record of type " + right);
    }
    return DnsRecord{*name, right, address->to_text()};
  }
  if (*type != "CNAME") {
    return ApiError::bad_request(
        in_quotes(*value) + " is not an IP address; only a record of type CNAME has a name here");
  }
  auto target = domain_name(*value);
  if (!target) return target.error();
  if (target->find('.') == std::string::npos) *target += '.' + own;
  if (!is_within(*target, own) ||
      std::ranges::count(*target, '.') != std::ranges::count(own, '.') + 1) {
    return ApiError::bad_request(
        in_quotes(*value) + ": a CNAME stands for a device here, as in box." + own);
  }
  if (*target == *name) return ApiError::bad_request(in_quotes(*value) + " stands for itself");
  return DnsRecord{*name, "CNAME", *target};
}

}  // namespace

Answer<std::string> domain_name(const std::string& text) {
  std::string name = idna::is_ascii(text) ? text : idna::ascii_form(text).value_or(text);
  if (name.ends_with('.')) name.pop_back();
  std::ranges::transform(name, name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (!is_domain(name)) return ApiError::bad_request(in_quotes(text) + ": invalid domain name");
  return name;
}

Answer<Resolver> name_server(const std::string& text) {
  const ApiError invalid = ApiError::bad_request(in_quotes(text) + ": invalid nameserver address");
  Resolver out;
  if (const auto address = IpAddress::parse(text)) {
    if (!can_serve(*address)) return invalid;
    out.addr = address->to_text();
  } else if (const auto endpoint = Endpoint::parse(text)) {
    if (!can_serve(endpoint->address) || endpoint->port == 0) return invalid;
    out.addr = endpoint->to_text();
  } else {
    const auto url = http::Url::parse(text);
    if (!url || !text.starts_with("https://")) return invalid;
    if (!IpAddress::parse(url->host) && !domain_name(url->host)) return invalid;
    out.addr = text;
  }
  return out;
}

Answer<std::vector<Resolver>> name_servers(const std::vector<std::string>& addresses) {
  return servers_from(Json(addresses), "nameservers");
}

Answer<SplitDns> split_dns(const Json& object, const std::string& own) {
  SplitDns out;
  if (object.is_null()) return out;
  if (!object.is_object()) return ApiError::bad_request("split DNS: want an object");
  for (const auto& [domain, list] : object.items()) {
    auto name = domain_name(domain);
    if (!name) return name.error();
    if (is_within(*name, own)) {
      return ApiError::bad_request(*name + " belongs to the devices of this network");
    }
    auto servers = servers_from(list, domain);
    if (!servers) return servers.error();
    out[*name] = std::move(*servers);
  }
  return out;
}

const std::vector<Resolver>& servers_of(const DnsConfig& dns) {
  return overrides_local(dns) ? dns.resolvers : dns.fallback_resolvers;
}

bool overrides_local(const DnsConfig& dns) { return !dns.resolvers.empty(); }

void set_servers(std::vector<Resolver> servers, bool override_local, DnsConfig& dns) {
  dns.resolvers.clear();
  dns.fallback_resolvers.clear();
  (override_local ? dns.resolvers : dns.fallback_resolvers) = std::move(servers);
}

Json addresses_json(const std::vector<Resolver>& servers) {
  Json out = Json::array();
  for (const Resolver& server : servers) out.push_back(server.addr);
  return out;
}

Json split_json(const SplitDns& split) {
  Json out = Json::object();
  for (const auto& [domain, servers] : split) out[domain] = addresses_json(servers);
  return out;
}

Json configuration_json(const DnsConfig& dns) {
  Json split = Json::object();
  for (const auto& [domain, servers] : dns.routes) split[domain] = servers_json(servers);
  return {
      {"nameservers", servers_json(servers_of(dns))},
      {"splitDNS", std::move(split)},
      {"searchPaths", dns.domains},
      {"preferences", {{"overrideLocalDNS", overrides_local(dns)}, {"magicDNS", dns.proxied}}}};
}

Answer<DnsConfig> configuration_from(const Json& object, const std::string& own, DnsConfig dns) {
  auto servers = servers_from(object.value("nameservers", Json()), "nameservers");
  if (!servers) return servers.error();
  auto split = split_dns(object.value("splitDNS", Json()), own);
  if (!split) return split.error();
  auto paths = texts_field(object, "searchPaths");
  if (!paths) return paths.error();
  auto preferences = object_field(object, "preferences");
  if (!preferences) return preferences.error();
  auto override_local = flag_field(*preferences, "overrideLocalDNS");
  if (!override_local) return override_local.error();
  auto magic = flag_field(*preferences, "magicDNS");
  if (!magic) return magic.error();
  if (*override_local && servers->empty()) {
    return ApiError::bad_request("overrideLocalDNS needs at least one nameserver");
  }
  set_servers(std::move(*servers), *override_local, dns);
  std::erase_if(*split, [](const auto& entry) { return entry.second.empty(); });
  dns.routes = std::move(*split);
  dns.domains.clear();
  for (const std::string& path : *paths) {
    auto name = domain_name(path);
    if (!name) return name.error();
    if (std::ranges::find(dns.domains, *name) == dns.domains.end()) dns.domains.push_back(*name);
  }
  dns.proxied = *magic;
  return dns;
}

Json records_json(const std::vector<DnsRecord>& records) {
  Json out = Json::array();
  for (const DnsRecord& record : records) {
    out.push_back({{"name", record.name}, {"type", record.type}, {"value", record.value}});
  }
  return out;
}

Answer<std::vector<DnsRecord>> records_from(const Json& list, const std::string& own) {
  std::vector<DnsRecord> out;
  if (list.is_null()) return out;
  if (!list.is_array()) return ApiError::bad_request("records: want a list");
  for (const Json& item : list) {
    auto record = record_from(item, own);
    if (!record) return record.error();
    if (std::ranges::find(out, *record) == out.end()) out.push_back(std::move(*record));
  }
  return out;
}

}  // namespace aya::resources
