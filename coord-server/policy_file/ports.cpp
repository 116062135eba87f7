#include "coord-server/policy_file/ports.h"

#include <algorithm>
#include <array>

#include "proto/base/parse_number.h"

namespace aya::policy_file {
namespace {

struct Named {
  std::string_view name;
  std::int64_t number;
};

constexpr std::array kProtocols = {
    Named{"icmp", 1},   Named{"igmp", 2}, Named{"ipv4", 4}, Named{"ip-in-ip", 4},
    Named{"tcp", 6},    Named{"egp", 8},  Named{"igp", 9},  Named{"udp", 17},
    Named{"gre", 47},   Named{"esp", 50}, Named{"ah", 51},  Named{"ipv6-icmp", 58},
    Named{"sctp", 132}, Named{"fc", 133},
};

// What "no protocol" means.
constexpr std::array<std::int64_t, 4> kDefaultProtocols = {6, 17, 1, 58};

Result<PortRange, std::string> parse_range(std::string_view text) {
  const auto wrong = [&](const char* what) {
    return "port range \"" + std::string(text) + "\": " + what;
  };
  if (text == "*") return kAllPorts;
  const std::size_t dash = text.find('-');
  const auto first = parse_number<std::uint16_t>(text.substr(0, dash));
  if (!first) return wrong("invalid first integer");
  if (dash == std::string_view::npos) return PortRange{*first, *first};
  const auto last = parse_number<std::uint16_t>(text.substr(dash + 1));
  if (!last) return wrong("invalid last integer");
  if (*last < *first) return wrong("first port is greater than the last");
  return PortRange{*first, *last};
}

}  // namespace

Result<std::vector<PortRange>, std::string> parse_ports(std::string_view text) {
  std::vector<PortRange> out;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t comma = std::min(text.find(',', begin), text.size());
    auto range = parse_range(text.substr(begin, comma - begin));
    if (!range) return range.error();
    out.push_back(*range);
    begin = comma + 1;
  }
  return out;
}

std::optional<std::int64_t> parse_protocol(std::string_view text) {
  const auto named = std::ranges::find(kProtocols, text, &Named::name);
  if (named != kProtocols.end()) return named->number;
  if (text.size() > 1 && text.starts_with('0')) return std::nullopt;
  const auto number = parse_number<std::uint8_t>(text);
  if (!number) return std::nullopt;
  return *number;
}

bool has_ports(std::int64_t protocol) { return protocol == 6 || protocol == 17 || protocol == 132; }

bool names_ports(const std::vector<PortRange>& ports) {
  return std::ranges::any_of(ports, [](const PortRange& range) { return range != kAllPorts; });
}

Result<Service, std::string> parse_service(std::string_view text) {
  Service out;
  std::string_view ports = text;
  if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
    const std::string_view name = text.substr(0, colon);
    ports = text.substr(colon + 1);
    if (name != "*") {
      const auto protocol = parse_protocol(name);
      if (!protocol)
        return "ip=" + std::string(text) + ": unknown protocol \"" + std::string(name) + '"';
      out.protocols = {*protocol};
    }
  }
  auto ranges = parse_ports(ports);
  if (!ranges) return "ip=\"" + std::string(text) + "\": " + ranges.error();
  out.ports = std::move(*ranges);
  if (!out.protocols.empty() && !has_ports(out.protocols[0]) && names_ports(out.ports)) {
    return "ip=\"" + std::string(text) + "\": this protocol has no ports; want \"*\"";
  }
  return out;
}

bool covers_protocol(const Service& service, std::int64_t protocol) {
  const auto in = [&](const auto& list) {
    return std::ranges::find(list, protocol) != std::ranges::end(list);
  };
  return service.protocols.empty() ? in(kDefaultProtocols) : in(service.protocols);
}

bool covers_port(const Service& service, std::uint16_t port) {
  return std::ranges::any_of(service.ports, [&](const PortRange& range) {
    return range.first <= port && port <= range.last;
  });
}

}  // namespace aya::policy_file
