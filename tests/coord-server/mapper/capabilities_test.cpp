#include "coord-server/mapper/capabilities.h"

#include <gtest/gtest.h>

namespace aya::mapper {
namespace {

TEST(SelfCapabilities, SwitchesOnWhatClientsWaitFor) {
  const auto caps = self_capabilities({});
  for (const char* name :
       {"https://tailscale.com/cap/file-sharing", "https://tailscale.com/cap/ssh",
        "suggest-exit-node-ui", "auto-exit-node", "cache-network-maps", "magicdns-aaaa"}) {
    EXPECT_TRUE(caps.contains(name)) << name;
  }
  EXPECT_EQ(caps.at("default-auto-update"), std::vector{control::RawJson{"false"}});
}

TEST(SelfCapabilities, PassesOnWhatThePolicySays) {
  const auto caps = self_capabilities(
      {{"one-cgnat?v=false", {}},
       {"disable-linux-cgnat-drop-rule", {}},
       {"traffic-steering", {}},
       {"default-auto-update", {control::RawJson{"true"}}}});
  EXPECT_TRUE(caps.contains("one-cgnat?v=false"));
  EXPECT_TRUE(caps.contains("disable-linux-cgnat-drop-rule"));
  EXPECT_TRUE(caps.contains("traffic-steering"));
  EXPECT_EQ(caps.at("default-auto-update"), std::vector{control::RawJson{"true"}});
}

TEST(SelfCapabilities, LetsThePolicySwitchOff) {
  const auto caps = self_capabilities({{"disable-cache-network-maps", {}}});
  EXPECT_TRUE(caps.contains("disable-cache-network-maps"));
  EXPECT_FALSE(caps.contains("cache-network-maps"));
}

TEST(ServiceCapabilities, AreWhatClientsRead) {
  store::Service web, db;
  web.name = "svc:web";
  web.ipv4 = *IpAddress::parse("100.90.0.1");
  web.ipv6 = *IpAddress::parse("fd7a:115c:a1e0::1");
  web.ports = {"tcp:443", "do-not-validate"};
  db.name = "svc:db";
  db.ipv4 = *IpAddress::parse("100.90.0.2");
  db.ipv6 = *IpAddress::parse("fd7a:115c:a1e0::2");
  EXPECT_EQ(
      hosted_services({&web, &db}).text,
      R"({"svc:db":["100.90.0.2","fd7a:115c:a1e0::2"],)"
      R"("svc:web":["100.90.0.1","fd7a:115c:a1e0::1"]})");
  EXPECT_EQ(
      service_details(web).text,
      R"({"Addrs":["100.90.0.1","fd7a:115c:a1e0::1"],"Name":"svc:web","Ports":["tcp:443"]})");
  EXPECT_EQ(
      service_details(db).text,
      R"({"Addrs":["100.90.0.2","fd7a:115c:a1e0::2"],"Name":"svc:db","Ports":[]})");
}

TEST(SelfCapabilities, NeverSaysWhatWouldBreakAClient) {
  const auto caps = self_capabilities(
      {{"https://tailscale.com/cap/data-plane-audit-logs", {}},
       {"https://tailscale.com/cap/tailnet-lock", {}}});
  EXPECT_FALSE(caps.contains("https://tailscale.com/cap/data-plane-audit-logs"));
  EXPECT_FALSE(caps.contains("https://tailscale.com/cap/tailnet-lock"));
}

}  // namespace
}  // namespace aya::mapper
