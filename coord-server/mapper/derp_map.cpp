#include "coord-server/mapper/derp_map.h"

namespace aya::mapper {

control::DerpMap own_derp_map(const OwnRelay& relay) {
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
  control::DerpMap map;
  map.regions.emplace();
  map.regions->emplace(kOwnRegion, std::move(region));
  // Without this, clients add the relays of the hosted service.
  map.omit_default_regions = true;
  return map;
}

}  // namespace aya::mapper
