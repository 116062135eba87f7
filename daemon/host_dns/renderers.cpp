#include "daemon/host_dns/renderers.h"

#include <algorithm>

namespace aya::host_dns {
namespace {

constexpr const char* kResolved = "org.freedesktop.resolve1";
constexpr const char* kFamily4 = "2";  // AF_INET and AF_INET6 of Linux
constexpr const char* kFamily6 = "10";

BusCall resolved_call(std::string method, std::vector<std::string> values) {
  return {
      .service = kResolved,
      .path = "/org/freedesktop/resolve1",
      .interface = "org.freedesktop.resolve1.Manager",
      .method = std::move(method),
      .values = std::move(values)};
}

bool is_reverse_zone(std::string_view domain) { return domain.ends_with(".arpa"); }

// What search domains lead to has to be asked of us, too: a match domain that is one of them is
// said once.
std::vector<std::string> only_matched(const Wanted& wanted, bool with_reverse_zones) {
  std::vector<std::string> out;
  for (const std::string& domain : wanted.match_domains) {
    if (std::ranges::find(wanted.search_domains, domain) != wanted.search_domains.end()) continue;
    if (with_reverse_zones || !is_reverse_zone(domain)) out.push_back(domain);
  }
  return out;
}

std::string join(const std::vector<std::string>& words, std::string_view between) {
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out += between;
    out += word;
  }
  return out;
}

}  // namespace

std::vector<BusCall> resolved_calls(int link, const Wanted& wanted, bool with_reverse_zones) {
  const std::string index = std::to_string(link);
  const auto matched = only_matched(wanted, with_reverse_zones);

  const std::size_t count =
      wanted.search_domains.size() + matched.size() + (wanted.all_names ? 1 : 0);
  std::vector<std::string> domains{"ia(sb)", index, std::to_string(count)};
  for (const std::string& domain : wanted.search_domains) {
    domains.insert(domains.end(), {domain, "false"});
  }
  for (const std::string& domain : matched) domains.insert(domains.end(), {domain, "true"});
  if (wanted.all_names) domains.insert(domains.end(), {".", "true"});

  std::vector<std::string> servers{"ia(iay)", index, std::to_string(wanted.nameservers.size())};
  for (const IpAddress& server : wanted.nameservers) {
    const Bytes bytes = server.bytes();
    servers.insert(
        servers.end(), {server.is_v4() ? kFamily4 : kFamily6, std::to_string(bytes.size())});
    for (const std::byte byte : bytes)
      servers.push_back(std::to_string(std::to_integer<int>(byte)));
  }

  return {
      resolved_call("SetLinkDomains", std::move(domains)),
      resolved_call("SetLinkDefaultRoute", {"ib", index, wanted.all_names ? "true" : "false"}),
      resolved_call("SetLinkLLMNR", {"is", index, "no"}),
      resolved_call("SetLinkMulticastDNS", {"is", index, "no"}),
      resolved_call("SetLinkDNSSEC", {"is", index, "no"}),
      resolved_call("SetLinkDNSOverTLS", {"is", index, "no"}),
      resolved_call("SetLinkDNS", std::move(servers)),
      resolved_flush(),
  };
}

BusCall resolved_revert(int link) {
  return resolved_call("RevertLink", {"i", std::to_string(link)});
}

BusCall resolved_flush() { return resolved_call("FlushCaches", {}); }

std::vector<std::string> nmcli_arguments(const std::string& link, const Wanted& wanted) {
  // In NetworkManager's list a "~" makes a domain one that is only matched.
  std::vector<std::string> domains = wanted.search_domains;
  for (const std::string& domain : only_matched(wanted, true)) domains.push_back("~" + domain);
  if (wanted.all_names) domains.push_back("~.");
  std::vector<std::string> servers4, servers6;
  for (const IpAddress& server : wanted.nameservers) {
    (server.is_v4() ? servers4 : servers6).push_back(server.to_text());
  }
  // Below zero: no other connection's servers are asked.
  const std::string priority = wanted.all_names ? "-1" : "100";
  std::vector<std::string> out{"--wait", "1", "device", "modify", link};
  const auto family = [&](const std::string& name, const std::vector<std::string>& servers) {
    out.insert(
        out.end(), {name + ".dns", join(servers, ","), name + ".dns-search",
                    servers.empty() ? "" : join(domains, ","), name + ".dns-priority", priority,
                    name + ".ignore-auto-dns", "yes"});
  };
  family("ipv4", servers4);
  if (!servers6.empty()) family("ipv6", servers6);
  return out;
}

std::vector<std::string> nmcli_undo_arguments(const std::string& link) {
  return {"--wait",   "1", "device",          "modify", link, "ipv4.dns", "", "ipv4.dns-search", "",
          "ipv6.dns", "",  "ipv6.dns-search", ""};
}

std::string resolvconf_record(const Wanted& wanted) {
  std::string out;
  for (const IpAddress& server : wanted.nameservers) out += "nameserver " + server.to_text() + "\n";
  if (!wanted.search_domains.empty()) out += "search " + join(wanted.search_domains, " ") + "\n";
  return out;
}

std::string resolvconf_record_name(const std::string& link) { return "tun-" + link + ".inet"; }

std::string dnsmasq_file(const Wanted& wanted) {
  std::string out = "# Written by ayatorid: names of the mesh.\n";
  for (const std::string& domain : wanted.match_domains) {
    for (const IpAddress& server : wanted.nameservers) {
      out += "server=/" + domain + "/" + server.to_text() + "\n";
    }
    // Its answers are addresses that dnsmasq would otherwise refuse as private.
    if (!is_reverse_zone(domain)) out += "rebind-domain-ok=/" + domain + "/\n";
  }
  return out;
}

}  // namespace aya::host_dns
