// The Internet checksum (RFC 1071), whole and incremental (RFC 1624), over plain and pseudo
// headers. Values are numbers, not wire bytes: load and store them big-endian. Pure.
#pragma once

#include <cstdint>

#include "proto/base/bytes.h"
#include "proto/netaddr/ip_address.h"

namespace aya {

// A sum that grows piece by piece. Every piece but the last must have an even size.
class ChecksumSum {
 public:
  ChecksumSum& add(Bytes bytes);
  ChecksumSum& add(std::uint32_t number);  // as 32 bits of a header
  ChecksumSum& add_pseudo_header(
      const IpAddress& source, const IpAddress& destination, std::uint8_t protocol,
      std::size_t transport_size);

  std::uint16_t finish() const;  // folded and complemented: what a header carries

 private:
  std::uint64_t sum_ = 0;
};

// What a checksum becomes when `before` is replaced by `after` among the bytes it covers. Both
// have an even size and stand at even offsets.
std::uint16_t checksum_after_change(std::uint16_t checksum, Bytes before, Bytes after);

}  // namespace aya
