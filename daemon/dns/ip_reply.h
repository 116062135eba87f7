// Packets that answer a packet of the host: UDP datagrams, ICMP echo replies, TCP resets. Each is
// complete, with its checksums, and comes from a pool; nullopt where it would not fit.
#pragma once

#include <optional>

#include "daemon/filter/packet_view.h"
#include "proto/packet/packet_pool.h"

namespace aya::dns {

std::optional<Packet> udp_packet(
    PacketPool& pool, const Endpoint& from, const Endpoint& to, Bytes payload);

// To an echo request; false shape never reaches here (PacketView::is_echo_request()).
std::optional<Packet> echo_reply(PacketPool& pool, const filter::PacketView& request);

// To a TCP segment that is no reset itself (RFC 9293, 3.10.7.1).
std::optional<Packet> tcp_reset(PacketPool& pool, const filter::PacketView& segment);

}  // namespace aya::dns
