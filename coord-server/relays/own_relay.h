// The relay built into this server, as nodes are told of it (control 6.9, nat-traversal 3.3).
#pragma once

#include "proto/control/derp_map.h"

namespace aya::relays {

inline constexpr RegionId kOwnRegion = 900;  // the first of the numbers for private relays

struct OwnRelay {
  std::string host;                  // name or address in the server's URL
  std::uint16_t port = 443;          // of TLS
  std::string ipv4 = {}, ipv6 = {};  // where nodes shall dial; empty: whatever DNS says
  // "sha256-raw:…" where no authority vouches for the certificate.
  std::string certificate_pin = {};
  int stun_port = 3478;  // -1: no STUN
};

control::DerpRegion own_region(const OwnRelay& relay);

}  // namespace aya::relays
