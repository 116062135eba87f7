#include "daemon/app/unapplied_settings.h"

#include <gtest/gtest.h>

#include <set>

namespace aya::app {
namespace {

TEST(UnappliedSettings, DefaultsPromiseNothing) {
  EXPECT_TRUE(unapplied_settings(local::Prefs{}).empty());
}

TEST(UnappliedSettings, EveryChoiceWithoutEffectIsToldUnderANameOfItsOwn) {
  local::Prefs prefs;
  prefs.exit_node_fail_closed = true;
  prefs.netfilter_mode = local::NetfilterMode::Off;
  prefs.route_maps = {*local::parse_route_map("10.99.1.0/24=192.168.1.0/24")};
  prefs.run_ssh = true;
  prefs.app_connector_advertise = true;
  prefs.relay_server_port = 0;
  std::set<std::string> codes;
  for (const local::HealthWarning& warning : unapplied_settings(prefs)) {
    EXPECT_FALSE(warning.text.empty());
    codes.insert(warning.code);
  }
  EXPECT_EQ(codes.size(), 5u);
}

}  // namespace
}  // namespace aya::app
