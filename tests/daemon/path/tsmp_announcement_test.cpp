#include "daemon/path/tsmp_announcement.h"

#include <gtest/gtest.h>

#include "proto/base/endian.h"
#include "tests/support/test_vectors.h"

namespace aya::path {
namespace {

DiscoPublicKey key() {
  std::array<std::byte, 32> raw;
  raw.fill(std::byte{0x5a});
  return DiscoPublicKey(raw);
}

Buffer announcement(std::string_view from, std::string_view to) {
  Buffer out;
  write_announcement(*IpAddress::parse(from), *IpAddress::parse(to), key(), out);
  return out;
}

TEST(TsmpAnnouncement, Ipv4PacketByteForByte) {
  const Buffer packet = announcement("100.64.0.1", "100.64.0.2");
  ASSERT_EQ(packet.size(), 20u + 33u);
  const Buffer header = test::hex(std::string_view("450000350000000040630000644000016440000261"));
  EXPECT_TRUE(equal_bytes(Bytes(packet).first(10), Bytes(header).first(10)));
  EXPECT_TRUE(equal_bytes(Bytes(packet).subspan(12, 9), Bytes(header).subspan(12)));
  // The header sums to all ones.
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < 20; i += 2) sum += load_be<std::uint16_t>(packet.data() + i);
  EXPECT_EQ((sum & 0xffff) + (sum >> 16), 0xffffu);
  EXPECT_EQ(parse_announcement(packet), key());
}

TEST(TsmpAnnouncement, Ipv6RoundTrip) {
  const Buffer packet = announcement("fd7a:115c:a1e0::1", "fd7a:115c:a1e0::2");
  ASSERT_EQ(packet.size(), 40u + 33u);
  EXPECT_EQ(parse_announcement(packet), key());
}

TEST(TsmpAnnouncement, RefusesEverythingElse) {
  const Buffer good = announcement("100.64.0.1", "100.64.0.2");
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(parse_announcement(Bytes(good).first(size))) << size;
  }
  const auto changed = [&](std::size_t at, unsigned value) {
    Buffer packet = good;
    packet[at] = static_cast<std::byte>(value);
    return parse_announcement(packet).has_value();
  };
  EXPECT_FALSE(changed(0, 0x44));  // header length below 20
  EXPECT_FALSE(changed(0, 0x4f));  // options where the payload was
  EXPECT_FALSE(changed(0, 0x55));  // no such IP version
  EXPECT_FALSE(changed(7, 1));     // a later fragment
  EXPECT_FALSE(changed(9, 17));    // UDP
  EXPECT_FALSE(changed(20, 'p'));  // another TSMP message
  Buffer zero_key = good;
  std::fill(zero_key.end() - 32, zero_key.end(), std::byte{0});
  EXPECT_FALSE(parse_announcement(zero_key));
}

}  // namespace
}  // namespace aya::path
