// Writes one IP packet, IPv4 or IPv6 by its addresses, with whatever transport.
//
//   IpWriter out(pool, from, to, kUdp, size);
//   if (!out.fits()) return std::nullopt;
//   ... write out.transport(), its checksum left at zero ...
//   Packet packet = out.seal(6);          where in the transport the checksum stands
#pragma once

#include "proto/netaddr/ip_address.h"
#include "proto/packet/packet_pool.h"

namespace aya {

class IpWriter {
 public:
  IpWriter(
      PacketPool& pool, const IpAddress& from, const IpAddress& to, std::uint8_t protocol,
      std::size_t transport_size);

  bool fits() const { return static_cast<bool>(packet_); }
  MutableBytes transport() { return packet_.mutable_bytes().subspan(header_size_); }

  // Fills in the transport checksum. ICMPv4 alone does not cover the addresses.
  Packet seal(std::size_t checksum_offset);
  // The same for a transport without one.
  Packet seal() { return std::move(packet_); }

 private:
  void write_ip_header(std::size_t transport_size);

  IpAddress from_, to_;
  std::uint8_t protocol_;
  std::size_t header_size_;
  Packet packet_;
};

}  // namespace aya
