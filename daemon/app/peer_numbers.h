// Gives each node of the map a small local number, and takes it back when the node is gone. Tunnel
// and paths index their tables by it. Pure.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "daemon/netmap/netmap.h"
#include "proto/packet/peer_id.h"

namespace aya::app {

class PeerNumbers {
 public:
  PeerId number_of(netmap::NodeId node);  // assigns one if need be
  std::optional<PeerId> find(netmap::NodeId node) const;
  std::optional<netmap::NodeId> node_of(PeerId peer) const;
  void release(netmap::NodeId node);
  void clear();
  std::vector<netmap::NodeId> nodes() const;

 private:
  std::map<netmap::NodeId, PeerId> numbers_;
  std::vector<std::optional<netmap::NodeId>> nodes_;  // by number
  std::vector<PeerId> free_;
};

}  // namespace aya::app
