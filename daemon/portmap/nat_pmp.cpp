#include "daemon/portmap/nat_pmp.h"

#include "proto/base/endian.h"
#include "proto/base/reader.h"

namespace aya::portmap {
namespace {

constexpr std::uint8_t kPmpVersion = 0;
constexpr std::uint8_t kOpExternalAddress = 0x80;
constexpr std::uint8_t kOpMapUdp = 0x81;
constexpr std::size_t kExternalAddressSize = 12;
constexpr std::size_t kMappingSize = 16;

PmpExternalAddress read_external_address(Reader& in) {
  const IpAddress address = IpAddress::v4(in.array<4>());
  if (address.is_unspecified()) return {};
  return {address};
}

PmpMapping read_mapping(Reader& in) {
  PmpMapping mapping;
  mapping.internal_port = in.u16be();
  mapping.external_port = in.u16be();
  mapping.lifetime = std::chrono::duration<std::uint32_t>(in.u32be());
  return mapping;
}

}  // namespace

std::array<std::byte, 2> pmp_external_address_request() { return {}; }  // version 0, operation 0

std::array<std::byte, 12> pmp_map_request(const PmpMapRequest& request) {
  std::array<std::byte, 12> out{};
  out[1] = std::byte{1};  // map UDP
  store_be(out.data() + 4, request.internal_port);
  store_be(out.data() + 6, request.suggested_external_port);
  store_be(out.data() + 8, request.lifetime.count());
  return out;
}

Result<PmpAnswer, ParseError> parse_pmp(Bytes datagram) {
  if (datagram.size() < kExternalAddressSize) return ParseError::Truncated;
  Reader in(datagram);
  if (in.u8() != kPmpVersion) return ParseError::BadMagic;
  PmpAnswer answer;
  answer.op = in.u8();
  answer.result = static_cast<PmpResult>(in.u16be());
  answer.epoch = in.u32be();
  if (answer.op == kOpExternalAddress) {
    if (datagram.size() != kExternalAddressSize) return ParseError::BadLength;
    answer.body = read_external_address(in);
  } else if (answer.op == kOpMapUdp) {
    if (datagram.size() != kMappingSize) return ParseError::BadLength;
    answer.body = read_mapping(in);
  }
  return answer;
}

}  // namespace aya::portmap
