// The eight-byte Geneve header in front of what travels through a peer relay (nat-traversal 2.5).
#pragma once

#include <optional>

#include "proto/base/bytes.h"

namespace aya::disco {

struct GeneveHeader {
  static constexpr std::size_t kSize = 8;
  static constexpr std::uint16_t kDisco = 0x7a11;
  static constexpr std::uint16_t kWireGuard = 0x7a12;

  bool control = false;  // set while binding to the relay server
  std::uint16_t protocol = 0;
  std::uint32_t vni = 0;  // 24 bits

  friend bool operator==(const GeneveHeader&, const GeneveHeader&) = default;
};

// Accepts what the classifier must: version 0, reserved bits clear, any option length (deployed
// nodes do not look at it, and no options are defined). nullopt: not such a header.
std::optional<GeneveHeader> parse_geneve(Bytes datagram);

// Appends the header.
void write_geneve(const GeneveHeader& header, Buffer& out);

}  // namespace aya::disco
