#include "proto/packet/checksum.h"

#include "proto/base/endian.h"

namespace aya {
namespace {

std::uint16_t folded(std::uint64_t sum) {
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

}  // namespace

ChecksumSum& ChecksumSum::add(Bytes bytes) {
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    sum_ += load_be<std::uint16_t>(bytes.data() + i);
  }
  if (bytes.size() % 2 != 0) sum_ += static_cast<std::uint64_t>(bytes.back()) << 8;
  return *this;
}

ChecksumSum& ChecksumSum::add(std::uint32_t number) {
  sum_ += (number >> 16) + (number & 0xffff);
  return *this;
}

ChecksumSum& ChecksumSum::add_pseudo_header(
    const IpAddress& source, const IpAddress& destination, std::uint8_t protocol,
    std::size_t transport_size) {
  add(source.bytes()).add(destination.bytes());
  return add(static_cast<std::uint32_t>(transport_size)).add(protocol);
}

std::uint16_t ChecksumSum::finish() const { return static_cast<std::uint16_t>(~folded(sum_)); }

// RFC 1624, equation 3: HC' = ~(~HC + ~m + m').
std::uint16_t checksum_after_change(std::uint16_t checksum, Bytes before, Bytes after) {
  std::uint64_t sum = static_cast<std::uint16_t>(~checksum);
  sum += ChecksumSum().add(before).finish();  // complemented already
  sum += static_cast<std::uint16_t>(~ChecksumSum().add(after).finish());
  return static_cast<std::uint16_t>(~folded(sum));
}

}  // namespace aya
