// What a plain WireGuard device must know of the nodes it is to work with, as the text that
// wg-quick and most routers read: itself, and one [Peer] for each of them. Pure.
#pragma once

#include <string>

#include "coord-server/nodes/registry.h"

namespace aya::resources {

// `others`: the nodes that are told of `device`. The private key is the device's secret and stays
// out: its owner puts it in.
std::string wireguard_config(
    const nodes::Registry& registry, const nodes::Node& device,
    const std::vector<const nodes::Node*>& others);

}  // namespace aya::resources
