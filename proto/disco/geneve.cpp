#include "proto/disco/geneve.h"

#include "proto/base/endian.h"
#include "proto/base/writer.h"

namespace aya::disco {
namespace {

constexpr std::byte kVersionBits{0xc0};
constexpr std::byte kReservedBits{0x3f};
constexpr std::byte kControlBit{0x80};

}  // namespace

std::optional<GeneveHeader> parse_geneve(Bytes datagram) {
  if (datagram.size() < GeneveHeader::kSize) return std::nullopt;
  const std::byte* at = datagram.data();
  if ((at[0] & kVersionBits) != std::byte{0} || (at[1] & kReservedBits) != std::byte{0} ||
      at[7] != std::byte{0}) {
    return std::nullopt;
  }
  return GeneveHeader{
      (at[1] & kControlBit) != std::byte{0}, load_be<std::uint16_t>(at + 2),
      load_be<std::uint32_t>(at + 4) >> 8};
}

void write_geneve(const GeneveHeader& header, Buffer& out) {
  Writer to(out);
  to.u8(0);  // version 0, no options
  to.u8(header.control ? std::to_integer<std::uint8_t>(kControlBit) : 0);
  to.u16be(header.protocol);
  to.u32be(header.vni << 8);
}

}  // namespace aya::disco
