// SSDP: finding UPnP gateways by asking who is here, in HTTP's clothes over UDP
// (nat-traversal 6.2). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proto/base/parse_error.h"
#include "proto/base/result.h"
#include "proto/netaddr/endpoint.h"

namespace aya::portmap {

inline constexpr std::uint16_t kSsdpPort = 1900;
inline constexpr std::string_view kSsdpGroup = "239.255.255.250";
inline constexpr std::string_view kSsdpAll = "ssdp:all";
// Some gateways answer "ssdp:all" with another of their faces only; this asks for the right one.
inline constexpr std::string_view kSsdpGateway =
    "urn:schemas-upnp-org:device:InternetGatewayDevice:1";

std::string ssdp_search(std::string_view target);

struct SsdpAnswer {
  std::string location;  // URL of the device's description; empty if absent, like the others
  std::string server;
  std::string usn;
};
// A whole HTTP answer, up to its blank line, with any status. Of a repeated header the first
// counts.
Result<SsdpAnswer, ParseError> parse_ssdp(std::string_view datagram);

// Whether the answer is from an Internet gateway, of whichever version.
bool is_gateway(std::string_view datagram);

// A URL of the kind gateways have: "http://<address>[:port][/path]". Names are refused, because
// looking one up would let a stranger on the network choose whom we talk to.
struct GatewayUrl {
  Endpoint server;
  std::string path;  // begins with '/'

  static std::optional<GatewayUrl> parse(std::string_view text);
  // `reference` as it stands in a document from here: a whole URL, an absolute or a relative path.
  // nullopt also if it leads to another host.
  std::optional<GatewayUrl> resolve(std::string_view reference) const;
  std::string to_text() const;

  friend bool operator==(const GatewayUrl&, const GatewayUrl&) = default;
};

}  // namespace aya::portmap
