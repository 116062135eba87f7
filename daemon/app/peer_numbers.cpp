#include "daemon/app/peer_numbers.h"

namespace aya::app {

PeerId PeerNumbers::number_of(netmap::NodeId node) {
  if (const auto known = find(node)) return *known;
  PeerId peer{static_cast<std::uint32_t>(nodes_.size())};
  if (free_.empty()) {
    nodes_.push_back(node);
  } else {
    peer = free_.back();
    free_.pop_back();
    nodes_[peer.value] = node;
  }
  numbers_.emplace(node, peer);
  return peer;
}

std::optional<PeerId> PeerNumbers::find(netmap::NodeId node) const {
  const auto found = numbers_.find(node);
  if (found == numbers_.end()) return std::nullopt;
  return found->second;
}

std::optional<netmap::NodeId> PeerNumbers::node_of(PeerId peer) const {
  return peer.value < nodes_.size() ? nodes_[peer.value] : std::nullopt;
}

void PeerNumbers::release(netmap::NodeId node) {
  const auto found = numbers_.find(node);
  if (found == numbers_.end()) return;
  nodes_[found->second.value].reset();
  free_.push_back(found->second);
  numbers_.erase(found);
}

void PeerNumbers::clear() {
  numbers_.clear();
  nodes_.clear();
  free_.clear();
}

std::vector<netmap::NodeId> PeerNumbers::nodes() const {
  std::vector<netmap::NodeId> out;
  for (const auto& [node, peer] : numbers_) out.push_back(node);
  return out;
}

}  // namespace aya::app
