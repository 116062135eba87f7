// NAT-PMP, the older of the two protocols by which a gateway is asked to open a port (RFC 6886,
// nat-traversal 6.3): datagrams to gateway:5351, answered from there. Pure; what to ask when is
// port_mapper's.
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <variant>

#include "proto/base/parse_error.h"
#include "proto/base/result.h"
#include "proto/netaddr/ip_address.h"

namespace aya::portmap {

inline constexpr std::uint16_t kGatewayPort = 5351;  // PCP's too

enum class PmpResult : std::uint16_t {
  Success = 0,
  UnsupportedVersion = 1,
  NotAuthorized = 2,
  NetworkFailure = 3,
  OutOfResources = 4,
  UnsupportedOpcode = 5,
};

std::array<std::byte, 2> pmp_external_address_request();

struct PmpMapRequest {
  std::uint16_t internal_port = 0;
  std::uint16_t suggested_external_port = 0;        // 0: any
  std::chrono::duration<std::uint32_t> lifetime{};  // zero: delete the mapping
};
std::array<std::byte, 12> pmp_map_request(const PmpMapRequest& request);

struct PmpExternalAddress {
  std::optional<IpAddress> address;  // absent: the gateway does not know it
};
struct PmpMapping {
  std::uint16_t internal_port = 0;
  std::uint16_t external_port = 0;  // 0: not mapped after all
  std::chrono::duration<std::uint32_t> lifetime{};
};

struct PmpAnswer {
  std::uint8_t op = 0;
  PmpResult result{};       // may hold a value without a name
  std::uint32_t epoch = 0;  // seconds since the gateway lost its mappings
  // What the answer is about; monostate: an operation that is none of ours.
  std::variant<std::monostate, PmpExternalAddress, PmpMapping> body;
};

// The body is read whatever the result is; look at `result` first.
Result<PmpAnswer, ParseError> parse_pmp(Bytes datagram);

}  // namespace aya::portmap
