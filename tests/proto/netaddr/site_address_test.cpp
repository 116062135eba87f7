#include "proto/netaddr/site_address.h"

#include <gtest/gtest.h>

namespace aya {
namespace {

Prefix prefix(const char* text) { return *Prefix::parse(text); }
IpAddress address(const char* text) { return *IpAddress::parse(text); }

TEST(SiteAddress, IsTheIpv4AddressBehindTheNumberOfTheSite) {
  const SiteAddress nas{7, address("192.168.1.5")};
  EXPECT_EQ(to_ip(nas), address("fd7a:115c:a1e0:b1a:0:7:c0a8:105"));
  EXPECT_EQ(parse_site_address(to_ip(nas)), nas);
  EXPECT_EQ(
      to_ip({0x12345678, address("10.0.0.1")}), address("fd7a:115c:a1e0:b1a:1234:5678:a00:1"));
}

TEST(SiteAddress, IsNothingElse) {
  for (const char* other :
       {"fd7a:115c:a1e0::1", "fd7a:115c:a1e0:b1b:0:7:c0a8:105", "192.168.1.5"}) {
    EXPECT_FALSE(parse_site_address(address(other))) << other;
  }
}

TEST(SitePrefix, IsTheNetworkOfASite) {
  const SitePrefix site{7, prefix("192.168.1.0/24")};
  EXPECT_EQ(to_route(site), prefix("fd7a:115c:a1e0:b1a:0:7:c0a8:100/120"));
  EXPECT_EQ(parse_site_prefix(to_route(site)), site);
  EXPECT_EQ(
      parse_site_prefix(prefix("fd7a:115c:a1e0:b1a:0:7::/96")),
      (SitePrefix{7, prefix("0.0.0.0/0")}));
}

TEST(SitePrefix, HoldsOneSiteOnly) {
  EXPECT_FALSE(parse_site_prefix(prefix("fd7a:115c:a1e0:b1a::/64")));
  EXPECT_FALSE(parse_site_prefix(prefix("fd7a:115c:a1e0:b1a:0:6::/95")));
  EXPECT_FALSE(parse_site_prefix(prefix("192.168.1.0/24")));
  EXPECT_FALSE(parse_site_prefix(prefix("::/0")));
}

}  // namespace
}  // namespace aya
