#include "proto/local/dns_os_config.h"

#include <nlohmann/json.hpp>

namespace aya::local {

std::string to_json_line(const DnsOsConfig& config) {
  nlohmann::ordered_json out = {
      {"Nameservers", nlohmann::json::array()},
      {"SearchDomains", config.search_domains},
      {"MatchDomains", config.match_domains}};
  for (const IpAddress& server : config.nameservers) {
    out["Nameservers"].push_back(server.to_text());
  }
  if (!config.mode.empty()) {
    out["Mode"] = config.mode;
    out["Applied"] = config.applied;
    out["Split"] = config.split;
  }
  return out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace aya::local
