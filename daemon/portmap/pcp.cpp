#include "daemon/portmap/pcp.h"

#include "proto/base/endian.h"
#include "proto/base/reader.h"

namespace aya::portmap {
namespace {

constexpr std::uint8_t kPcpVersion = 2;
constexpr std::uint8_t kOpMap = 1;
constexpr std::uint8_t kUdpProtocol = 17;
constexpr std::size_t kHeaderSize = 24;
constexpr std::size_t kMapSize = 60;

void store_header(
    std::span<std::byte, kHeaderSize> out, std::uint8_t op, std::uint32_t lifetime,
    const IpAddress& client) {
  out[0] = std::byte{kPcpVersion};
  out[1] = std::byte{op};
  store_be(out.data() + 4, lifetime);
  copy_bytes(out.subspan<8>(), client.to_mapped_16());
}

}  // namespace

std::array<std::byte, 24> pcp_announce_request(const IpAddress& client) {
  std::array<std::byte, 24> out{};
  store_header(out, 0, 0, client);
  return out;
}

std::array<std::byte, 60> pcp_map_request(const PcpMapRequest& request) {
  std::array<std::byte, kMapSize> out{};
  const auto whole = std::span(out);
  store_header(whole.first<kHeaderSize>(), kOpMap, request.lifetime.count(), request.client);
  copy_bytes(whole.subspan<24, 12>(), request.nonce);
  out[36] = std::byte{kUdpProtocol};
  store_be(out.data() + 40, request.internal_port);
  store_be(out.data() + 42, request.suggested_external.port);
  copy_bytes(whole.subspan<44>(), request.suggested_external.address.to_mapped_16());
  return out;
}

Result<PcpHeader, ParseError> parse_pcp_header(Bytes datagram) {
  if (datagram.size() < kHeaderSize) return ParseError::Truncated;
  Reader in(datagram);
  if (in.u8() != kPcpVersion) return ParseError::BadMagic;
  PcpHeader header;
  header.op = in.u8();
  in.skip(1);
  header.result = static_cast<PcpResult>(in.u8());
  header.lifetime = std::chrono::duration<std::uint32_t>(in.u32be());
  header.epoch = in.u32be();
  return header;
}

Result<PcpMapping, ParseError> parse_pcp_mapping(Bytes datagram, const PcpMapRequest& asked) {
  const auto header = parse_pcp_header(datagram);
  if (!header) return header.error();
  if (datagram.size() < kMapSize) return ParseError::Truncated;  // options may follow
  if (header->op != PcpHeader::kMap || header->result != PcpResult::Success) {
    return ParseError::BadType;
  }
  Reader in(datagram.subspan(kHeaderSize));
  const bool ours = in.array<12>() == asked.nonce && in.u8() == kUdpProtocol;
  in.skip(3);
  if (in.u16be() != asked.internal_port || !ours) return ParseError::BadValue;
  PcpMapping mapping{*header, {}};
  mapping.external.port = in.u16be();
  mapping.external.address = IpAddress::from_mapped_16(in.array<16>());
  return mapping;
}

}  // namespace aya::portmap
