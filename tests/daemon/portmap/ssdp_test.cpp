#include "daemon/portmap/ssdp.h"

#include <gtest/gtest.h>

#include "daemon/portmap/gateway_epoch.h"

namespace aya::portmap {
namespace {

std::string parsed(std::string_view text) {
  const auto url = GatewayUrl::parse(text);
  return url ? url->to_text() : "";
}

TEST(GatewayUrl, TakesLiteralAddressesOnly) {
  EXPECT_EQ(parsed("http://192.168.1.1:5000/root.xml"), "http://192.168.1.1:5000/root.xml");
  EXPECT_EQ(parsed("HTTP://192.168.1.1"), "http://192.168.1.1:80/");
  EXPECT_EQ(parsed("http://192.168.1.1?x=1"), "http://192.168.1.1:80/?x=1");
  EXPECT_EQ(parsed("http://[fd00::1]:1900/d#part"), "http://[fd00::1]:1900/d");
  for (const std::string_view bad :
       {"", "http://", "http:///x", "http://router.lan/x", "https://192.168.1.1/x",
        "http://192.168.1.1:0/x", "http://192.168.1.1:99999/x", "http://user@192.168.1.1/",
        "http://192.168.1.1/a b", "http://192.168.1.1/a\r\nX: y", "ftp://192.168.1.1/"}) {
    EXPECT_EQ(parsed(bad), "") << bad;
  }
  EXPECT_EQ(parsed("http://192.168.1.1/" + std::string(2000, 'x')), "");
}

TEST(GatewayUrl, ResolvesReferencesOnItsOwnHost) {
  const auto url = *GatewayUrl::parse("http://192.168.1.1:5000/igd/root.xml?v=1");
  const auto resolved = [&](std::string_view reference) {
    const auto there = url.resolve(reference);
    return there ? there->to_text() : "";
  };
  EXPECT_EQ(resolved("/ctl/IPConn"), "http://192.168.1.1:5000/ctl/IPConn");
  EXPECT_EQ(resolved("ctl"), "http://192.168.1.1:5000/igd/ctl");
  EXPECT_EQ(resolved("http://192.168.1.1:49152/c"), "http://192.168.1.1:49152/c");
  EXPECT_EQ(resolved("http://192.168.1.2/c"), "");
  EXPECT_EQ(resolved("http://evil.example/c"), "");
  EXPECT_EQ(resolved("a b"), "");
}

TEST(Ssdp, KnowsAGatewayByItsType) {
  EXPECT_TRUE(is_gateway("ST: urn:schemas-upnp-org:device:InternetGatewayDevice:2\r\n"));
  EXPECT_FALSE(is_gateway("ST: urn:schemas-upnp-org:device:MediaServer:1\r\n"));
}

TEST(GatewayEpoch, NoticesAClockThatRunsUnlikeOurs) {
  const TimePoint start{};
  GatewayEpoch epoch;
  EXPECT_FALSE(epoch.restarted(1000, start));
  EXPECT_FALSE(epoch.restarted(4600, start + 3600s));
  EXPECT_FALSE(epoch.restarted(4700, start + 3698s));  // a slow second or two
  EXPECT_TRUE(epoch.restarted(5000, start + 7200s));   // restarted an hour ago, and caught up
  EXPECT_FALSE(epoch.restarted(0, start + 7201s));
  EXPECT_TRUE(epoch.restarted(4999, start + 7202s));
  epoch.forget();
  EXPECT_FALSE(epoch.restarted(1, start + 7203s));
}

}  // namespace
}  // namespace aya::portmap
