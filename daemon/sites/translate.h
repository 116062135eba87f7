// One IP header for another, in place (RFC 7915): what a site router needs of it.
//
// TCP, UDP, ICMP echo, and ICMP errors with the packet they quote. Fragments, extension headers and
// other ICMP messages are not translated: the functions return false and leave the packet as it
// was. Hop limits are copied, since the host's own forwarding counts the hop. The maximum segment
// size of a SYN is lowered so that what follows fits an IPv6 packet of `mtu`.
//
// Pure; nothing allocates.
#pragma once

#include "proto/netaddr/ip_address.h"
#include "proto/packet/packet.h"

namespace aya::sites {

// Both ends of a packet in the other family. An ICMP error quotes a packet that went the opposite
// way: `quoted_destination` is where that one was sent, which need not be who reports the error.
struct Ends {
  IpAddress source, destination;
  IpAddress quoted_destination;  // errors only
};

bool to_ipv4(Packet& packet, const Ends& ends, std::size_t mtu);
bool to_ipv6(Packet& packet, const Ends& ends, std::size_t mtu);

}  // namespace aya::sites
