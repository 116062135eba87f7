#include "proto/packet/checksum.h"

#include <gtest/gtest.h>

#include <vector>

#include "proto/base/endian.h"
#include "tests/support/seeded_rng.h"

namespace aya {
namespace {

std::vector<std::byte> bytes(std::initializer_list<unsigned> values) {
  std::vector<std::byte> out;
  for (const unsigned value : values) out.push_back(static_cast<std::byte>(value));
  return out;
}

// The example of RFC 1071, section 3: the sum is ddf2.
TEST(Checksum, IsThatOfTheStandard) {
  EXPECT_EQ(ChecksumSum().add(bytes({0, 1, 0xf2, 3, 0xf4, 0xf5, 0xf6, 0xf7})).finish(), 0x220d);
}

TEST(Checksum, PadsAnOddEnd) {
  EXPECT_EQ(
      ChecksumSum().add(bytes({1, 2, 3})).finish(),
      ChecksumSum().add(bytes({1, 2, 3, 0})).finish());
}

// A datagram with the checksum of its header sums up to nothing.
TEST(Checksum, CoversThePseudoHeader) {
  const auto from = *IpAddress::parse("192.0.2.1"), to = *IpAddress::parse("198.51.100.2");
  auto datagram = bytes({0x12, 0x34, 0, 53, 0, 10, 0, 0, 0xab, 0xcd});
  const auto checksum =
      ChecksumSum().add_pseudo_header(from, to, 17, datagram.size()).add(datagram).finish();
  store_be(datagram.data() + 6, checksum);
  EXPECT_EQ(ChecksumSum().add_pseudo_header(from, to, 17, 10).add(datagram).finish(), 0);
}

TEST(Checksum, FollowsAChangeAsIfComputedAnew) {
  test::SeededRng rng(7);
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::byte> data(40);
    rng.fill(data);
    const auto before = ChecksumSum().add(data).finish();
    std::vector<std::byte> old(data.begin() + 8, data.begin() + 24), fresh(16);
    rng.fill(fresh);
    copy_bytes(std::span(data).subspan(8), fresh);
    EXPECT_EQ(checksum_after_change(before, old, fresh), ChecksumSum().add(data).finish());
  }
}

}  // namespace
}  // namespace aya
