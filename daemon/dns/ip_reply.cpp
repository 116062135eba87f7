#include "daemon/dns/ip_reply.h"

#include <algorithm>

#include "proto/base/endian.h"
#include "proto/packet/checksum.h"

namespace aya::dns {
namespace {

constexpr std::uint8_t kHopLimit = 64;
constexpr std::uint8_t kTcpAck = 0x10;
constexpr std::size_t kTcpHeaderSize = 20;

// An IP packet with `protocol` and room for `size` bytes of transport, which the caller writes
// into transport() and finishes with seal().
class IpWriter {
 public:
  IpWriter(
      PacketPool& pool, const IpAddress& from, const IpAddress& to, std::uint8_t protocol,
      std::size_t size)
      : from_(from), to_(to), protocol_(protocol), header_size_(from.is_v4() ? 20 : 40) {
    if (header_size_ + size > pool.max_data()) return;
    packet_ = pool.take();
    packet_.resize(header_size_ + size);
    std::ranges::fill(packet_.mutable_bytes(), std::byte{0});
    write_ip_header(size);
  }

  bool fits() const { return static_cast<bool>(packet_); }
  MutableBytes transport() { return packet_.mutable_bytes().subspan(header_size_); }

  // Fills in the transport checksum. ICMPv4 alone does not cover the addresses.
  Packet seal(std::size_t checksum_offset) {
    ChecksumSum sum;
    if (protocol_ != filter::kIcmp4) {
      sum.add_pseudo_header(from_, to_, protocol_, transport().size());
    }
    std::uint16_t checksum = sum.add(transport()).finish();
    if (checksum == 0 && protocol_ == filter::kUdp) checksum = 0xffff;  // zero means "none"
    store_be(transport().data() + checksum_offset, checksum);
    return std::move(packet_);
  }

 private:
  void write_ip_header(std::size_t size) {
    const MutableBytes header = packet_.mutable_bytes().first(header_size_);
    if (from_.is_v4()) {
      header[0] = std::byte{0x45};
      store_be(header.data() + 2, static_cast<std::uint16_t>(header_size_ + size));
      header[8] = std::byte{kHopLimit};
      header[9] = std::byte{protocol_};
      copy_bytes(header.subspan(12), from_.bytes());
      copy_bytes(header.subspan(16), to_.bytes());
      store_be(header.data() + 10, ChecksumSum().add(header).finish());
      return;
    }
    header[0] = std::byte{0x60};
    store_be(header.data() + 4, static_cast<std::uint16_t>(size));
    header[6] = std::byte{protocol_};
    header[7] = std::byte{kHopLimit};
    copy_bytes(header.subspan(8), from_.bytes());
    copy_bytes(header.subspan(24), to_.bytes());
  }

  IpAddress from_, to_;
  std::uint8_t protocol_;
  std::size_t header_size_;
  Packet packet_;
};

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
