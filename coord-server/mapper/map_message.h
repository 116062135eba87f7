// A message of the map stream on its way out. Peers are in it as finished texts: what a peer looks
// like is encoded once and then copied into the messages of all who see it, because with N nodes
// there are N * N peers and only N of them differ.
#pragma once

#include <memory>

#include "proto/control/map_response.h"

namespace aya::mapper {

using PeerText = std::shared_ptr<const std::string>;  // one control::Node as JSON

struct MapMessage {
  control::MapResponse rest;  // without peers, peers_changed and packet_filters
  std::vector<PeerText> peers, peers_changed;
  std::string filters;  // what packet_filters would be, as JSON; empty: nothing is said of them

  std::string to_json() const;
};

}  // namespace aya::mapper
