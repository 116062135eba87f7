// Telling apart what arrives on the one UDP socket (nat-traversal 1.4): STUN, DISCO and WireGuard,
// the last two also behind the Geneve header of a peer relay. Cheap: a few byte comparisons.
#pragma once

#include "proto/base/bytes.h"

namespace aya::stun {

enum class DatagramKind { Stun, Disco, WireGuard };

struct DatagramClass {
  DatagramKind kind = DatagramKind::WireGuard;
  bool geneve = false;  // eight bytes of Geneve header stand in front; strip them

  friend bool operator==(const DatagramClass&, const DatagramClass&) = default;
};

// Total: what is nothing else is WireGuard's to refuse.
DatagramClass classify(Bytes datagram);

}  // namespace aya::stun
