// Inside the tunnel, right behind a WireGuard handshake, a node tells its peer the disco key it
// uses now (nat-traversal 2.3, rule 7): an IP packet of protocol TSMP (99) with 'a' and the key.
// Thus a restarted node is found directly before control has told anybody.
#pragma once

#include "proto/keys/public_key.h"
#include "proto/netaddr/ip_address.h"

namespace aya::path {

// Appends the packet; the addresses are the two overlay addresses, of one family.
void write_announcement(
    const IpAddress& from, const IpAddress& to, const DiscoPublicKey& key, Buffer& out);

// nullopt: another packet, to be handled as such. Source address checks are the tunnel's.
std::optional<DiscoPublicKey> parse_announcement(Bytes ip_packet);

}  // namespace aya::path
