#include "daemon/dns/ip_reply.h"

#include <algorithm>

#include "proto/base/endian.h"
#include "proto/packet/ip_writer.h"

namespace aya::dns {
namespace {

constexpr std::uint8_t kTcpAck = 0x10;
constexpr std::size_t kTcpHeaderSize = 20;

}  // namespace

std::optional<Packet> udp_packet(
    PacketPool& pool, const Endpoint& from, const Endpoint& to, Bytes payload) {
  IpWriter out(
      pool, from.address, to.address, filter::kUdp, filter::kUdpHeaderSize + payload.size());
  if (!out.fits()) return std::nullopt;
  std::byte* header = out.transport().data();
  store_be(header, from.port);
  store_be(header + 2, to.port);
  store_be(header + 4, static_cast<std::uint16_t>(out.transport().size()));
  copy_bytes(out.transport().subspan(filter::kUdpHeaderSize), payload);
  return out.seal(6);
}

std::optional<Packet> echo_reply(PacketPool& pool, const filter::PacketView& request) {
  IpWriter out(
      pool, request.destination.address, request.source.address, request.protocol,
      request.transport.size());
  if (!out.fits()) return std::nullopt;
  copy_bytes(out.transport(), request.transport);
  out.transport()[0] = request.version == 4 ? std::byte{0} : std::byte{129};
  store_be<std::uint16_t>(out.transport().data() + 2, 0);
  return out.seal(2);
}

std::optional<Packet> tcp_reset(PacketPool& pool, const filter::PacketView& segment) {
  IpWriter out(
      pool, segment.destination.address, segment.source.address, filter::kTcp, kTcpHeaderSize);
  if (!out.fits()) return std::nullopt;
  const bool acknowledges = (segment.tcp_flags & kTcpAck) != 0;
  const std::byte* theirs = segment.transport.data();
  std::byte* header = out.transport().data();
  store_be(header, segment.destination.port);
  store_be(header + 2, segment.source.port);
  header[12] = std::byte{kTcpHeaderSize / 4 << 4};
  if (acknowledges) {
    store_be(header + 4, load_be<std::uint32_t>(theirs + 8));
    header[13] = std::byte{filter::kTcpReset};
  } else {
    // What the segment occupies in sequence space: its data and, each as one, SYN and FIN.
    const std::size_t data_offset = (static_cast<std::size_t>(theirs[12]) >> 4) * 4;
    const std::size_t data =
        segment.transport.size() - std::min(data_offset, segment.transport.size());
    const unsigned controls = (segment.tcp_flags & 0x01u) + (segment.tcp_flags >> 1 & 0x01u);
    const auto next =
        load_be<std::uint32_t>(theirs + 4) + static_cast<std::uint32_t>(data) + controls;
    store_be(header + 8, static_cast<std::uint32_t>(next));
    header[13] = std::byte{filter::kTcpReset | kTcpAck};
  }
  return out.seal(16);
}

}  // namespace aya::dns
