#include "coord-server/relays/own_relay.h"

namespace aya::relays {

control::DerpRegion own_region(const OwnRelay& relay) {
  control::DerpNode node;
  node.name = std::to_string(kOwnRegion) + "a";
  node.region_id = kOwnRegion;
  node.host_name = relay.host;
  node.cert_name = relay.certificate_pin;
  node.ipv4 = relay.ipv4;
  node.ipv6 = relay.ipv6;
  node.stun_port = relay.stun_port;
  node.derp_port = relay.port;
  control::DerpRegion region;
  region.region_id = kOwnRegion;
  region.region_code = "own";
  region.region_name = "This server";
  region.nodes = {node};
  return region;
}

}  // namespace aya::relays
