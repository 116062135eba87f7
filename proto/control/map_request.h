// What a node tells and asks of POST /machine/map (control 4.4, 6.3).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/base/time.h"
#include "proto/control/hostinfo.h"
#include "proto/keys/public_key.h"
#include "proto/netaddr/endpoint.h"

namespace aya::control {

enum class EndpointType : std::int32_t {
  Unknown = 0,
  Local = 1,
  Stun = 2,
  PortMapped = 3,
  StunLocalPort = 4,  // seen by STUN, with the local port instead of the mapped one
  Explicit = 5,
};

// Of a node that offers routes and whose system forwards nothing.
inline constexpr std::string_view kForwardingOff = "warn-ip-forwarding-off";

struct MapRequest {
  int version = 0;
  std::string compress;  // "zstd" or empty
  bool keep_alive = false;
  NodePublicKey node_key;
  DiscoPublicKey disco_key;
  bool stream = false;  // long poll; see kind()
  std::optional<Hostinfo> hostinfo;
  std::string map_session_handle;
  std::int64_t map_session_seq = 0;
  std::vector<Endpoint> endpoints;           // elements with a zone are dropped on reading
  std::vector<EndpointType> endpoint_types;  // parallel; may be shorter
  std::string tka_head;
  bool read_only = false;
  bool omit_peers = false;
  std::vector<std::string> debug_flags;  // what is odd about the client, such as kForwardingOff
  std::string connection_handle_for_test;
  friend bool operator==(const MapRequest&, const MapRequest&) = default;

  enum class Kind { LongPoll, LiteUpdate, OneShot, LegacyReadOnly };
  Kind kind() const {
    if (read_only) return Kind::LegacyReadOnly;
    if (stream) return Kind::LongPoll;
    return omit_peers ? Kind::LiteUpdate : Kind::OneShot;
  }
};

}  // namespace aya::control
