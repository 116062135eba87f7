// The configuration file of the daemon: fields as deployed files spell them.
#include "proto/local/config_file.h"

#include <gtest/gtest.h>

namespace aya::local {
namespace {

ConfigFile read(std::string_view text) {
  auto file = parse_config_file(text);
  EXPECT_TRUE(file) << file.error();
  return file ? *file : ConfigFile{};
}
std::string refused(std::string_view text) {
  const auto file = parse_config_file(text);
  return file ? "accepted" : file.error();
}

TEST(ConfigFileText, NamesSettingsInAnyCaseWithCommentsAndCommas) {
  const ConfigFile file = read(R"({
    "version": "alpha0", // of this form
    "ServerURL": "https://mesh.example.org", /* not "ours", */
    "acceptdns": false,
    "AdvertiseRoutes": ["192.168.1.0/24", "10.0.0.0/8",],
    "Hostname": "a, // b",
    "NetfilterMode": "nodivert",
    "exitNode": "100.64.0.9",
    "AutoUpdate": {"Check": false, "Apply": true,},
    "AuthKey": "file:/etc/key",
  })");
  const Prefs& prefs = file.edit.values;
  EXPECT_TRUE(file.locked);
  EXPECT_EQ(file.auth_key, "file:/etc/key");
  EXPECT_EQ(prefs.control_url, "https://mesh.example.org");
  EXPECT_FALSE(prefs.corp_dns);
  EXPECT_EQ(prefs.advertise_routes.size(), 2u);
  EXPECT_EQ(prefs.hostname, "a, // b");
  EXPECT_EQ(prefs.netfilter_mode, NetfilterMode::NoDivert);
  EXPECT_EQ(prefs.exit_node_ip, "100.64.0.9");
  EXPECT_TRUE(prefs.want_running);
  EXPECT_TRUE(file.edit.sets("CorpDNS"));
  EXPECT_FALSE(file.edit.sets("ShieldsUp"));  // not named: stays as it is
}

TEST(ConfigFileText, MayBeOpenAndOff) {
  const ConfigFile file = read(R"({"Version":"alpha0","Locked":false,"Enabled":false})");
  EXPECT_FALSE(file.locked);
  EXPECT_FALSE(file.edit.values.want_running);
}

TEST(ConfigFileText, SaysWhatIsWrong) {
  EXPECT_EQ(refused("{"), "it is not JSON");
  EXPECT_EQ(refused("[]"), "expected a JSON object");
  EXPECT_EQ(refused("{}"), "it must say \"version\": \"alpha0\"");
  EXPECT_EQ(refused(R"({"version":"beta"})"), "it must say \"version\": \"alpha0\"");
  EXPECT_EQ(refused(R"({"version":"alpha0","AuthKeys":""})"), "field AuthKeys is not known");
  EXPECT_EQ(
      refused(R"({"version":"alpha0","NetfilterMode":"of"})"),
      "field NetfilterMode: expected off, nodivert or on");
  EXPECT_EQ(
      refused(R"({"version":"alpha0","ShieldsUp":"yes"})"),
      "field ShieldsUp: expected true or false");
  EXPECT_EQ(
      refused(R"({"version":"alpha0","AdvertiseRoutes":["10.0.0.1/8"]})"),
      "route 10.0.0.1/8 has non-address bits set; expected 10.0.0.0/8");
  EXPECT_EQ(refused("{\"version\":\"alpha0\" /* open"), "it is not JSON");
}

}  // namespace
}  // namespace aya::local
