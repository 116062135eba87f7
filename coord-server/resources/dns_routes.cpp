// /api/v2/tailnet/{t}/dns/…: how names are resolved in a network, live (interfaces 1.10, control
// 6.8). Several endpoints show parts of one configuration; all of them change it the same way.
#include <algorithm>

#include "coord-server/api/encoding.h"
#include "coord-server/resources/handlers.h"
#include "coord-server/resources/dns_settings.h"

namespace aya::resources {
namespace {

using control::DnsConfig;

http::Response shown(const Json& json) { return http::Response::json(200, text_of(json)); }

Json everything(const DnsConfig& dns) {
  Json out = configuration_json(dns);
  out["records"] = records_json(dns.extra_records);
  return out;
}

// A call that changes nothing writes no line and tells no node.
Answer<void> keep(const AdminContext& c, const store::Account& account, const DnsConfig& dns) {
  if (dns == account.dns) return {};
  store::AuditEntry entry = c.audit("UPDATE", "TAILNET");
  entry.account = account.id;
  entry.target_id = std::to_string(account.id.value);
  entry.target_name = account.name;
  entry.property = "DNS";
  entry.old_value = text_of(everything(account.dns));
  entry.new_value = text_of(everything(dns));
  if (auto stored = c.registry.set_dns(account.id, dns, entry); !stored) {
    return ApiError::of(stored.error());
  }
  return {};
}

// What an endpoint shows, and what becomes of the configuration by its request.
using Show = Json (*)(const DnsConfig&);
using Change = Answer<DnsConfig> (*)(const Json& body, const std::string& own, DnsConfig dns);

Answer<http::Response> show(const AdminContext& c, Show part) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  return shown(part((*account)->dns));
}

Answer<http::Response> change(const AdminContext& c, Change with, Show part) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  auto body = body_object(c.request);
  if (!body) return body.error();
  auto dns = with(*body, (*account)->domain, (*account)->dns);
  if (!dns) return dns.error();
  if (auto kept = keep(c, **account, *dns); !kept) return kept.error();
  return shown(part((*account)->dns));
}

ApiError missing(const std::string& field, const std::string& wanted) {
  return ApiError::bad_request(field + ": want " + wanted);
}

Json servers_part(const DnsConfig& dns) { return {{"dns", addresses_json(servers_of(dns))}}; }
Json servers_and_magic(const DnsConfig& dns) {
  return {{"dns", addresses_json(servers_of(dns))}, {"magicDNS", dns.proxied}};
}
Json preferences_part(const DnsConfig& dns) { return {{"magicDNS", dns.proxied}}; }
Json paths_part(const DnsConfig& dns) { return {{"searchPaths", dns.domains}}; }
Json split_part(const DnsConfig& dns) { return split_json(dns.routes); }
Json records_part(const DnsConfig& dns) { return {{"records", records_json(dns.extra_records)}}; }

// Addresses alone: what was said about a server that stays is kept.
Answer<DnsConfig> with_servers(const Json& body, const std::string&, DnsConfig dns) {
  if (!body.contains("dns")) return missing("dns", "a list of strings");
  auto texts = texts_field(body, "dns");
  if (!texts) return texts.error();
  auto servers = name_servers(*texts);
  if (!servers) return servers.error();
  for (control::Resolver& server : *servers) {
    const auto& before = servers_of(dns);
    const auto known = std::ranges::find(before, server.addr, &control::Resolver::addr);
    if (known != before.end()) server = *known;
  }
  set_servers(std::move(*servers), overrides_local(dns), dns);
  return dns;
}

Answer<DnsConfig> with_preferences(const Json& body, const std::string&, DnsConfig dns) {
  if (!body.contains("magicDNS")) return missing("magicDNS", "true or false");
  auto magic = flag_field(body, "magicDNS");
  if (!magic) return magic.error();
  dns.proxied = *magic;
  return dns;
}

Answer<DnsConfig> with_paths(const Json& body, const std::string& own, DnsConfig dns) {
  if (!body.contains("searchPaths")) return missing("searchPaths", "a list of strings");
  Json whole = configuration_json(dns);
  whole["searchPaths"] = body["searchPaths"];
  return configuration_from(whole, own, std::move(dns));
}

Answer<DnsConfig> with_split(const Json& body, const std::string& own, DnsConfig dns) {
  auto split = split_dns(body, own);
  if (!split) return split.error();
  std::erase_if(*split, [](const auto& entry) { return entry.second.empty(); });
  dns.routes = std::move(*split);
  return dns;
}

Answer<DnsConfig> with_some_split(const Json& body, const std::string& own, DnsConfig dns) {
  auto split = split_dns(body, own);
  if (!split) return split.error();
  for (auto& [domain, servers] : *split) {
    if (servers.empty()) {
      dns.routes.erase(domain);
    } else {
      dns.routes[domain] = std::move(servers);
    }
  }
  return dns;
}

Answer<DnsConfig> with_records(const Json& body, const std::string& own, DnsConfig dns) {
  if (!body.contains("records")) return missing("records", "a list of objects");
  auto records = records_from(body["records"], own);
  if (!records) return records.error();
  dns.extra_records = std::move(*records);
  return dns;
}

}  // namespace

Answer<http::Response> get_nameservers(const AdminContext& c) { return show(c, servers_part); }
Answer<http::Response> set_nameservers(const AdminContext& c) {
  return change(c, with_servers, servers_and_magic);
}

Answer<http::Response> get_dns_preferences(const AdminContext& c) {
  return show(c, preferences_part);
}
Answer<http::Response> set_dns_preferences(const AdminContext& c) {
  return change(c, with_preferences, preferences_part);
}

Answer<http::Response> get_search_paths(const AdminContext& c) { return show(c, paths_part); }
Answer<http::Response> set_search_paths(const AdminContext& c) {
  return change(c, with_paths, paths_part);
}

Answer<http::Response> get_split_dns(const AdminContext& c) { return show(c, split_part); }
Answer<http::Response> put_split_dns(const AdminContext& c) {
  return change(c, with_split, split_part);
}
Answer<http::Response> patch_split_dns(const AdminContext& c) {
  return change(c, with_some_split, split_part);
}

Answer<http::Response> get_dns_configuration(const AdminContext& c) {
  return show(c, configuration_json);
}
// Only if it still is what the caller saw, where that is asked (If-Match).
Answer<http::Response> set_dns_configuration(const AdminContext& c) {
  auto account = c.account(c.path[0]);
  if (!account) return account.error();
  const std::string_view wanted = c.request.headers.get("If-Match");
  const std::string current = etag_of(text_of(configuration_json((*account)->dns)));
  if (!wanted.empty() && !names_etag(wanted, current)) {
    return ApiError{412, "precondition failed: the configuration is another one by now"};
  }
  return change(c, configuration_from, configuration_json);
}

Answer<http::Response> get_dns_records(const AdminContext& c) { return show(c, records_part); }
Answer<http::Response> put_dns_records(const AdminContext& c) {
  return change(c, with_records, records_part);
}

}  // namespace aya::resources
