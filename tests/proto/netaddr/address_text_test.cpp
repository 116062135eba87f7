#include <gtest/gtest.h>

#include "proto/base/hex.h"
#include "proto/netaddr/endpoint.h"
#include "proto/netaddr/prefix.h"

namespace aya {
namespace {

TEST(IpAddress, ReadsAndWritesBothFamilies) {
  for (const char* text :
       {"0.0.0.0", "100.64.0.1", "255.255.255.255", "::", "::1", "fd7a:115c:a1e0::53",
        "2001:db8::1:0:0:1", "::ffff:192.0.2.1"}) {
    const auto address = IpAddress::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->to_text(), text);
  }
}

TEST(IpAddress, RefusesWhatIsNotCanonical) {
  for (const char* text :
       {"", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.256", "1.2.3.4 ", " 1.2.3.4", "::1%lo", "1:2",
        ":::", "12345::", "1.2.3.4/32"}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
  EXPECT_FALSE(IpAddress::parse(std::string_view("1.2.3.4\0", 8)));
}

TEST(IpAddress, MappedWireFormIsIpv4) {
  const auto v4 = IpAddress::v4(0xc0000201);
  EXPECT_EQ(to_hex(v4.to_mapped_16()), "00000000000000000000ffffc0000201");
  EXPECT_EQ(IpAddress::from_mapped_16(v4.to_mapped_16()), v4);
  EXPECT_TRUE(IpAddress::from_mapped_16(v4.to_mapped_16()).is_v4());
}

TEST(IpAddress, NextCarriesAndEnds) {
  EXPECT_EQ(IpAddress::parse("10.0.0.255")->next()->to_text(), "10.0.1.0");
  EXPECT_EQ(IpAddress::parse("fd00::ffff")->next()->to_text(), "fd00::1:0");
  EXPECT_FALSE(IpAddress::parse("255.255.255.255")->next());
}

TEST(IpAddress, KnowsItsKind) {
  EXPECT_TRUE(IpAddress::parse("172.16.0.1")->is_private());
  EXPECT_FALSE(IpAddress::parse("172.32.0.1")->is_private());
  EXPECT_TRUE(IpAddress::parse("192.168.1.1")->is_private());
  EXPECT_TRUE(IpAddress::parse("fe80::1")->is_link_local_unicast());
  EXPECT_TRUE(IpAddress::parse("127.9.9.9")->is_loopback());
  EXPECT_TRUE(IpAddress::parse("::1")->is_loopback());
  EXPECT_TRUE(IpAddress::parse("ff02::1")->is_multicast());
}

TEST(IpAddress, KnowsWhatCouldBeOnTheInternet) {
  for (const char* text :
       {"198.51.100.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2001:db8::1", "::ffff:8.8.8.8",
        "64:ff9b::808:808"}) {
    EXPECT_TRUE(IpAddress::parse(text)->is_public()) << text;
  }
  for (const char* text :
       {"0.0.0.0", "0.1.2.3", "10.0.0.1", "127.0.0.1", "127.9.9.9", "100.64.0.1", "100.127.255.255",
        "169.254.169.254", "172.16.0.1", "192.168.1.1", "224.0.0.1", "255.255.255.255", "::", "::1",
        "fe80::1", "fd7a:115c:a1e0::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "64:ff9b::a00:1"}) {
    EXPECT_FALSE(IpAddress::parse(text)->is_public()) << text;
  }
}

TEST(Endpoint, ReadsAndWrites) {
  for (const char* text : {"192.0.2.7:41641", "[2001:db8::1]:1", "0.0.0.0:0"}) {
    const auto endpoint = Endpoint::parse(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(endpoint->to_text(), text);
  }
  for (const char* text :
       {"", ":1", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:-1", "::1:80", "[1.2.3.4]:1",
        "[::1]", "1.2.3.4:1x"}) {
    EXPECT_FALSE(Endpoint::parse(text)) << text;
  }
}

TEST(Prefix, MasksAndContains) {
  const auto prefix = Prefix::parse("100.64.1.2/10");
  ASSERT_TRUE(prefix);
  EXPECT_FALSE(prefix->is_canonical());
  EXPECT_EQ(prefix->masked().to_text(), "100.64.0.0/10");
  EXPECT_TRUE(prefix->contains(*IpAddress::parse("100.127.255.255")));
  EXPECT_FALSE(prefix->contains(*IpAddress::parse("100.128.0.0")));
  EXPECT_FALSE(Prefix::parse("0.0.0.0/0")->contains(*IpAddress::parse("::")));
  EXPECT_TRUE(Prefix::parse("::/0")->contains(*IpAddress::parse("2001:db8::1")));
}

TEST(Prefix, RefusesBadText) {
  for (const char* text :
       {"", "1.2.3.4", "1.2.3.4/33", "::/129", "1.2.3.4/", "1.2.3.4/01", "1.2.3.4/-1", "/8"}) {
    EXPECT_FALSE(Prefix::parse(text)) << text;
  }
}

TEST(Prefix, OverlapIsSymmetric) {
  const auto wide = *Prefix::parse("10.0.0.0/8"), narrow = *Prefix::parse("10.1.0.0/16"),
             other = *Prefix::parse("11.0.0.0/8");
  EXPECT_TRUE(wide.overlaps(narrow) && narrow.overlaps(wide));
  EXPECT_FALSE(wide.overlaps(other) || other.overlaps(wide));
}

}  // namespace
}  // namespace aya
