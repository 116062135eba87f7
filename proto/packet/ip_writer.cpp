#include "proto/packet/ip_writer.h"

#include <algorithm>

#include "proto/base/endian.h"
#include "proto/packet/checksum.h"

namespace aya {
namespace {

constexpr std::uint8_t kHopLimit = 64;
constexpr std::uint8_t kIcmp4 = 1, kUdp = 17;
constexpr std::size_t kHeader4 = 20, kHeader6 = 40;

}  // namespace

IpWriter::IpWriter(
    PacketPool& pool, const IpAddress& from, const IpAddress& to, std::uint8_t protocol,
    std::size_t transport_size)
    : from_(from), to_(to), protocol_(protocol), header_size_(from.is_v4() ? kHeader4 : kHeader6) {
  if (header_size_ + transport_size > pool.max_data()) return;
  packet_ = pool.take();
  packet_.resize(header_size_ + transport_size);
  std::ranges::fill(packet_.mutable_bytes(), std::byte{0});
  write_ip_header(transport_size);
}

Packet IpWriter::seal(std::size_t checksum_offset) {
  ChecksumSum sum;
  if (protocol_ != kIcmp4) sum.add_pseudo_header(from_, to_, protocol_, transport().size());
  std::uint16_t checksum = sum.add(transport()).finish();
  if (checksum == 0 && protocol_ == kUdp) checksum = 0xffff;  // zero means "none"
  store_be(transport().data() + checksum_offset, checksum);
  return std::move(packet_);
}

void IpWriter::write_ip_header(std::size_t transport_size) {
  const MutableBytes header = packet_.mutable_bytes().first(header_size_);
  if (from_.is_v4()) {
    header[0] = std::byte{0x45};
    store_be(header.data() + 2, static_cast<std::uint16_t>(header_size_ + transport_size));
    header[8] = std::byte{kHopLimit};
    header[9] = std::byte{protocol_};
    copy_bytes(header.subspan(12), from_.bytes());
    copy_bytes(header.subspan(16), to_.bytes());
    store_be(header.data() + 10, ChecksumSum().add(header).finish());
    return;
  }
  header[0] = std::byte{0x60};
  store_be(header.data() + 4, static_cast<std::uint16_t>(transport_size));
  header[6] = std::byte{protocol_};
  header[7] = std::byte{kHopLimit};
  copy_bytes(header.subspan(8), from_.bytes());
  copy_bytes(header.subspan(24), to_.bytes());
}

}  // namespace aya
