#include "coord-server/app/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace aya::coord {
namespace {

using testing::HasSubstr;

Config good(std::string_view text) {
  auto config = parse_config(text, "config");
  EXPECT_TRUE(config) << config.error().text;
  return config ? *config : Config{};
}

std::string bad(std::string_view text) {
  auto config = parse_config(text, "config");
  EXPECT_FALSE(config);
  return config ? "" : config.error().text;
}

TEST(Config, NeedsNoMoreThanAUrl) {
  const Config config = good("server_url = https://coord.example/\n");
  EXPECT_EQ(config.server_url, "https://coord.example");
  EXPECT_EQ(config.listen, (ListenAt{std::nullopt, 443}));
  EXPECT_EQ(config.stun_listen, (ListenAt{std::nullopt, 3478}));
  EXPECT_TRUE(config.own_certificate());
}

TEST(Config, ReadsWhatInitWrites) {
  Config config;
  ASSERT_TRUE(set_server_url("https://192.0.2.1:8443", config));
  config.listen = *ListenAt::parse("192.0.2.1:8443");
  ASSERT_TRUE(set_relay_addresses("192.0.2.1, 2001:db8::1", config));
  ASSERT_TRUE(set_stun_listen("off", config));
  config.tls_cert = "/etc/ssl/coord.pem";
  config.tls_key = "/etc/ssl/coord.key";
  config.flow_logs = {std::chrono::days(7), std::uint64_t{64} << 20};
  const Config read = good(config_text(config));
  EXPECT_EQ(read.server_url, config.server_url);
  EXPECT_EQ(read.listen, config.listen);
  EXPECT_EQ(read.stun_listen, std::nullopt);
  EXPECT_EQ(read.relay_ipv4, config.relay_ipv4);
  EXPECT_EQ(read.relay_ipv6, config.relay_ipv6);
  EXPECT_EQ(read.tls_cert, config.tls_cert);
  EXPECT_EQ(read.flow_logs, config.flow_logs);
  EXPECT_EQ(read.tls_key, config.tls_key);
  EXPECT_EQ(config_text(read), config_text(config));
}

TEST(Config, WritesSettingsOfNoEffectAsComments) {
  Config config;
  ASSERT_TRUE(set_server_url("https://coord.example", config));
  config.listen = *ListenAt::parse(":443");
  config.stun_listen = ListenAt::parse(":3478");
  const Config read = good(config_text(config));
  EXPECT_FALSE(read.relay_ipv4);
  EXPECT_TRUE(read.own_certificate());
}

TEST(Config, SaysWhatIsWrongAndWhere) {
  const std::string url = "server_url = https://x\n";
  EXPECT_THAT(bad(""), HasSubstr("server_url is missing"));
  EXPECT_THAT(bad(url + "\n# fine\nport = 3\n"), HasSubstr("config, line 4: unknown setting"));
  EXPECT_THAT(bad(url + "listen\n"), HasSubstr("line 2"));
  EXPECT_THAT(bad(url + "listen = 443\n"), HasSubstr("is not an address and port"));
  EXPECT_THAT(bad(url + "listen = :443\nlisten = :444\n"), HasSubstr("set twice"));
  EXPECT_THAT(bad(url + "derp_ip = coord.example\n"), HasSubstr("not an IP address"));
  EXPECT_THAT(bad(url + "derp_ip = 192.0.2.1, 192.0.2.2\n"), HasSubstr("at most one"));
  EXPECT_THAT(bad(url + "tls_cert = a.pem\n"), HasSubstr("belong together"));
  for (const char* days : {"0", "-1", "30d", "", "4000", "99999999999999999999"}) {
    EXPECT_THAT(
        bad(url + "flow_log_days = " + days + "\n"), HasSubstr("is not a number from 1 to 3650"));
  }
  EXPECT_THAT(bad(url + "flow_log_megabytes = 0\n"), HasSubstr("from 1 to 1000000"));
}

TEST(Config, NamesAMailServer) {
  const std::string url = "server_url = https://x\n";
  EXPECT_FALSE(good(url).smtp);
  const Config config = good(
      url + "smtp_url = smtp://mail.example\nsmtp_from = 家 <net@mail.example>\n"
            "smtp_user = net\nsmtp_password_file = password\nsmtp_starttls = off\n");
  ASSERT_TRUE(config.smtp);
  EXPECT_EQ(config.smtp->from().name, "家");
  EXPECT_EQ(config.smtp->server("", "").port, 587);
  EXPECT_THAT(bad(url + "smtp_url = mail\n"), HasSubstr("config, line 2: smtp_url"));
  EXPECT_THAT(bad(url + "smtp_url = smtps://mail\n"), HasSubstr("config: smtp_url needs"));
}

TEST(Config, RefusesUrlsThatNodesCannotUse) {
  for (const char* url :
       {"coord.example", "ftp://coord.example", "https://", "https://x/path", "https://x:0",
        "https://x?y", "https://x#y", "https://a b", "https://x\"y"}) {
    Config config;
    EXPECT_FALSE(set_server_url(url, config)) << url;
  }
}

TEST(ListenAt, WithoutAnAddressMeansBothFamilies) {
  EXPECT_EQ(ListenAt::parse(":443")->endpoints().size(), 2u);
  EXPECT_EQ(ListenAt::parse("*:443"), ListenAt::parse(":443"));
  EXPECT_EQ(ListenAt::parse("[::1]:443")->to_text(), "[::1]:443");
  EXPECT_FALSE(ListenAt::parse(":0"));
  EXPECT_FALSE(ListenAt::parse(":65536"));
  EXPECT_FALSE(ListenAt::parse("host:443"));
}

}  // namespace
}  // namespace aya::coord
