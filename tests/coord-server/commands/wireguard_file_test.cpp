#include "coord-server/commands/wireguard_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/keys/wireguard_text.h"

namespace aya::coord {
namespace {

using testing::HasSubstr;

constexpr const char* kServer = "sEQJhU7NPqNGPsoHqi07JPONC8Rj3L1uRL8+XUFIzD4=";
constexpr const char* kOwn = "aFkxIfkYI4dmNBv4D6WNCPx5mLRv0qpLUwUhVlcLCF8=";

std::string file(const std::string& interface, const std::string& peer) {
  return "[Interface]\n" + interface + "\n[Peer]\n" + peer;
}
std::string server() {
  return "PublicKey = " + std::string(kServer) +
         "\nAllowedIPs = 0.0.0.0/0,::/0\nEndpoint = vpn.example:51820\n";
}

TEST(WireguardFile, OfACompanyIsRead) {
  const auto read = parse_wireguard_file(
      "# Device: Quick Fox\r\n" +
      file(
          "PrivateKey = " + std::string(kOwn) +
              "\r\nAddress = 10.66.3.4/32, fc00:bbbb:bbbb:bb01::3:304/128\r\nDNS = 10.64.0.1, "
              "corp.example\r\nMTU = 1280\nPostUp = iptables -A x  # y",
          "publickey=" + std::string(kServer) +
              "\nAllowedIPs = 0.0.0.0/0\nAllowedIPs = 10.1.2.3\nEndpoint = 192.0.2.7:51820\n"
              "PersistentKeepalive = 25"));
  ASSERT_TRUE(read) << read.error();
  ASSERT_TRUE(read->own_key);
  EXPECT_EQ(read->own_addresses.size(), 2u);
  EXPECT_EQ(read->own_addresses[0].to_text(), "10.66.3.4");
  ASSERT_EQ(read->resolvers.size(), 1u);
  EXPECT_EQ(read->resolvers[0].to_text(), "10.64.0.1");
  EXPECT_EQ(key_text::wireguard_form(read->peer), kServer);
  EXPECT_EQ(read->endpoint, "192.0.2.7:51820");
  ASSERT_EQ(read->allowed_ips.size(), 2u);
  EXPECT_EQ(read->allowed_ips[1].to_text(), "10.1.2.3/32");
}

TEST(WireguardFile, MayHaveSomethingElseInPlaceOfThePrivateKey) {
  for (const char* line : {"", "PrivateKey = <yours>", "PrivateKey ="}) {
    const auto read = parse_wireguard_file(file(line, server()));
    ASSERT_TRUE(read) << line;
    EXPECT_FALSE(read->own_key) << line;
  }
}

struct Wrong {
  const char* name;
  std::string text, says;
};
class WrongFile : public testing::TestWithParam<Wrong> {};

TEST_P(WrongFile, SaysWhatIsWrongAndWhere) {
  const auto read = parse_wireguard_file(GetParam().text);
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error(), HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Files, WrongFile,
    testing::Values(
        Wrong{"empty", "", "no [Peer]"}, Wrong{"noise", "\x01\x02", "line 1: want NAME = VALUE"},
        Wrong{"early", "Address = 1.2.3.4\n", "line 1: a value before"},
        Wrong{"section", "[Interface]\n[Route]\n", "line 2: no section"},
        Wrong{"two", file("", server() + "[peer]\n" + server()), "a second [Peer]"},
        Wrong{"preshared", file("", server() + "PresharedKey = x"), "PresharedKey"},
        Wrong{"key", file("", "PublicKey = abc"), "line 4: PublicKey"},
        Wrong{"address", file("Address = ten", server()), "line 2: Address"},
        Wrong{"networks", file("", server() + "AllowedIPs = 10.0.0.0/99"), "AllowedIPs"},
        Wrong{"nowhere", file("", "PublicKey = " + std::string(kServer)), "no Endpoint"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(WireguardFile, ListsAreWordsBetweenCommas) {
  EXPECT_EQ(comma_list(" a ,b,, c "), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_TRUE(comma_list("").empty());
}

}  // namespace
}  // namespace aya::coord
