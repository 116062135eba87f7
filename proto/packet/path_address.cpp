#include "proto/packet/path_address.h"

namespace aya {
namespace {
constexpr IpAddress kRelayStandIn = IpAddress::v4(127u << 24 | 3u << 16 | 3u << 8 | 40u);
}  // namespace

std::string PathAddress::to_text() const {
  if (is_relay()) return "relay " + std::to_string(relay);
  return is_none() ? "none" : udp.to_text();
}

Endpoint PathAddress::as_endpoint() const {
  return is_relay() ? Endpoint{kRelayStandIn, relay} : udp;
}

}  // namespace aya
