// The local number of a peer: small, stable while the peer is known, never on the wire. Rooms name
// peers by it, so that none of them owns the others' tables.
#pragma once

#include "proto/base/strong_id.h"

namespace aya {

using PeerId = StrongId<struct PeerIdTag>;

}  // namespace aya
