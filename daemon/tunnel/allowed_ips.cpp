#include "daemon/tunnel/allowed_ips.h"

namespace aya::tunnel {

void AllowedIps::add(PeerId peer, const Prefix& prefix) {
  const Prefix key = prefix.masked();
  if (const PeerId* owner = owners_.find_exact(key)) {
    if (*owner == peer) return;
    std::erase(by_peer_[owner->value], key);
  }
  owners_.set(key, peer);
  if (peer.value >= by_peer_.size()) by_peer_.resize(peer.value + 1);
  by_peer_[peer.value].push_back(key);
}

void AllowedIps::remove(PeerId peer, const Prefix& prefix) {
  const Prefix key = prefix.masked();
  const PeerId* owner = owners_.find_exact(key);
  if (owner == nullptr || *owner != peer) return;
  owners_.erase(key);
  std::erase(by_peer_[peer.value], key);
}

void AllowedIps::replace(PeerId peer, std::span<const Prefix> prefixes) {
  remove_all(peer);
  for (const Prefix& prefix : prefixes) add(peer, prefix);
}

void AllowedIps::remove_all(PeerId peer) {
  if (peer.value >= by_peer_.size()) return;
  for (const Prefix& prefix : by_peer_[peer.value]) owners_.erase(prefix);
  by_peer_[peer.value].clear();
}

std::optional<PeerId> AllowedIps::owner_of(const IpAddress& address) const {
  const PeerId* owner = owners_.find(address);
  return owner == nullptr ? std::nullopt : std::optional(*owner);
}

std::span<const Prefix> AllowedIps::of(PeerId peer) const {
  if (peer.value >= by_peer_.size()) return {};
  return by_peer_[peer.value];
}

}  // namespace aya::tunnel
