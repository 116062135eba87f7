// PCP, the successor of NAT-PMP on the same port (RFC 6887, nat-traversal 6.4). Pure; what to ask
// when is port_mapper's.
#pragma once

#include <array>
#include <chrono>

#include "proto/base/parse_error.h"
#include "proto/base/result.h"
#include "proto/netaddr/endpoint.h"

namespace aya::portmap {

// One for the life of a mapping, also when it is renewed or deleted: a strict gateway lets only the
// holder of the nonce touch the mapping.
using PcpNonce = std::array<std::byte, 12>;

enum class PcpResult : std::uint8_t {
  Success = 0,
  UnsupportedVersion = 1,
  NotAuthorized = 2,     // present, but switched off or refusing
  AddressMismatch = 12,  // another NAT stands between us and the gateway
};

// ANNOUNCE asks nothing but whether PCP is spoken here.
std::array<std::byte, 24> pcp_announce_request(const IpAddress& client);

struct PcpMapRequest {
  IpAddress client;  // our address on the gateway's network
  PcpNonce nonce{};
  std::uint16_t internal_port = 0;
  Endpoint suggested_external;  // the unspecified address of the client's family, port 0: any
  std::chrono::duration<std::uint32_t> lifetime{};  // zero: delete the mapping
};
std::array<std::byte, 60> pcp_map_request(const PcpMapRequest& request);

struct PcpHeader {
  static constexpr std::uint8_t kAnnounce = 0x80, kMap = 0x81;
  std::uint8_t op = 0;
  PcpResult result{};                               // may hold a value without a name
  std::chrono::duration<std::uint32_t> lifetime{};  // of the mapping, or of the error
  std::uint32_t epoch = 0;                          // seconds since the gateway lost its mappings
};
// What all answers begin with.
Result<PcpHeader, ParseError> parse_pcp_header(Bytes datagram);

struct PcpMapping {
  PcpHeader header;
  Endpoint external;  // may be unspecified, or port 0: the gateway's word is passed on
};
// BadType: not the answer to a MAP request, or not a success. BadValue: the answer to another
// request than `asked`, by nonce, protocol or port.
Result<PcpMapping, ParseError> parse_pcp_mapping(Bytes datagram, const PcpMapRequest& asked);

}  // namespace aya::portmap
