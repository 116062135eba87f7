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
  prefs.auto_exit_node = "any";
  prefs.run_ssh = true;
  prefs.app_connector_advertise = true;
  prefs.relay_server_port = 0;
  std::set<std::string> codes;
  for (const local::HealthWarning& warning : unapplied_settings(prefs)) {
    EXPECT_FALSE(warning.text.empty());
    codes.insert(warning.code);
  }
  EXPECT_EQ(codes.size(), 4u);
}

TEST(UnappliedSettings, AnyWayToChooseAnExitNodeCounts) {
  local::Prefs by_id, by_address;
  by_id.exit_node_id = "n1";
  by_address.exit_node_ip = "100.64.0.1";
  EXPECT_EQ(unapplied_settings(by_id).size(), 1u);
  EXPECT_EQ(unapplied_settings(by_address).size(), 1u);
}

}  // namespace
}  // namespace aya::app
