// Ports and protocols as a policy writes them: "22", "80,443", "1000-2000", "*"; "tcp", "icmp",
// "47"; and both together in a grant: "tcp:443", "icmp:*" (interfaces 5.2).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/result.h"
#include "proto/control/filter_rule.h"

namespace aya::policy_file {

using control::PortRange;
inline constexpr PortRange kAllPorts{0, 65535};

// Without an error, or what is wrong with which range: `port range "ssh": invalid first integer`.
Result<std::vector<PortRange>, std::string> parse_ports(std::string_view text);

std::optional<std::int64_t> parse_protocol(std::string_view text);
// TCP, UDP and SCTP; the others have no ports, and a rule about them says "*".
bool has_ports(std::int64_t protocol);
bool names_ports(const std::vector<PortRange>& ports);  // anything but "*"

// What a rule lets through.
struct Service {
  std::vector<std::int64_t> protocols;  // empty: TCP, UDP and both ICMPs
  std::vector<PortRange> ports;
  friend bool operator==(const Service&, const Service&) = default;
};

// An entry of a grant's "ip".
Result<Service, std::string> parse_service(std::string_view text);

// Does it let this protocol through? ICMP is asked for without a port.
bool covers_protocol(const Service& service, std::int64_t protocol);
bool covers_port(const Service& service, std::uint16_t port);

}  // namespace aya::policy_file
