// Which addresses belong to which peer. One table over all peers decides both ways: where a packet
// goes, and whether its sender may claim its source. A prefix has one owner, the last it was given.
#pragma once

#include <span>
#include <vector>

#include "proto/netaddr/prefix_table.h"
#include "proto/packet/peer_id.h"

namespace aya::tunnel {

class AllowedIps {
 public:
  void add(PeerId peer, const Prefix& prefix);
  void remove(PeerId peer, const Prefix& prefix);
  void replace(PeerId peer, std::span<const Prefix> prefixes);
  void remove_all(PeerId peer);

  std::optional<PeerId> owner_of(const IpAddress& address) const;
  std::span<const Prefix> of(PeerId peer) const;  // until the next change

 private:
  PrefixTable<PeerId> owners_;
  std::vector<std::vector<Prefix>> by_peer_;
};

}  // namespace aya::tunnel
