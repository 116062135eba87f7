// Peers of other accounts may know us by another address than our own, where theirs is taken by
// somebody else (control 11.4). What we send to them bears that address, and what they send to it
// bears our own before anybody looks at it.
//
// One end of a packet is exchanged in place, with the checksums that cover it; an ICMP error also
// in the packet it quotes, by which the host finds out what failed. Pure; nothing allocates.
#pragma once

#include "daemon/filter/packet_view.h"
#include "proto/packet/packet.h"

namespace aya::dataplane {

enum class PacketEnd { Source, Destination };

// `view` is of this packet, of a protocol that is known, and stale afterwards; `to` is of the same
// family.
void readdress(Packet& packet, const filter::PacketView& view, PacketEnd end, const IpAddress& to);

}  // namespace aya::dataplane
