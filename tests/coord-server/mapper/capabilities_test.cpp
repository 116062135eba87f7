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

TEST(SelfCapabilities, NeverSaysWhatWouldBreakAClient) {
  const auto caps = self_capabilities(
      {{"https://tailscale.com/cap/data-plane-audit-logs", {}},
       {"https://tailscale.com/cap/tailnet-lock", {}}});
  EXPECT_FALSE(caps.contains("https://tailscale.com/cap/data-plane-audit-logs"));
  EXPECT_FALSE(caps.contains("https://tailscale.com/cap/tailnet-lock"));
}

}  // namespace
}  // namespace aya::mapper
