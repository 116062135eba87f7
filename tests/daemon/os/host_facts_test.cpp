// Small things that the host or its administrator tell.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "daemon/os/dhcp_servers.h"
#include "daemon/os/marks.h"
#include "tests/support/temp_dir.h"

namespace aya::os {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

IpAddress ip(const char* text) { return *IpAddress::parse(text); }

TEST(BypassMark, IsAValueInItsMaskWithABitToSpare) {
  EXPECT_EQ(BypassMark::parse("0x80000/0xff0000"), BypassMark{});
  EXPECT_EQ(BypassMark::parse("524288/16711680"), BypassMark{});
  EXPECT_EQ(BypassMark::parse("0x1/0x3"), (BypassMark{1, 3}));
  for (const char* bad :
       {"", "0x80000", "0/0xff", "0x100/0xff", "0xff/0xff", "1/", "/1", "x/0xff",
        "0x80000/0xff0000 ", "0x1ffffffff/0x1ffffffff", "-1/0xff"}) {
    EXPECT_EQ(BypassMark::parse(bad), std::nullopt) << bad;
  }
}

TEST(BypassMark, TheSecondBitIsAnother) {
  EXPECT_EQ(BypassMark{}.second_bit(), 0x40000u);
  EXPECT_EQ((BypassMark{0x1, 0x3}.second_bit()), 0x2u);
  EXPECT_EQ((BypassMark{0x8, 0x18}.second_bit()), 0x10u);
  EXPECT_EQ((BypassMark{0x6, 0xe}.second_bit()), 0x8u);
}

TEST(DhcpServers, AreFoundInLeasesOfTheUsualClients) {
  EXPECT_THAT(
      parse_dhcp_servers(
          "# comment\nADDRESS=192.0.2.5\nSERVER_ADDRESS=192.0.2.1\nROUTER=192.0.2.2\n"),
      ElementsAre(ip("192.0.2.1")));
  EXPECT_THAT(
      parse_dhcp_servers("lease {\n  option dhcp-server-identifier 100.64.0.1;\n  renew 2;\n}\n"
                         "lease {\n  option dhcp-server-identifier 100.64.0.1;\n}\n"
                         "lease {\n  option dhcp-server-identifier 10.0.0.1;\n}"),
      ElementsAre(ip("100.64.0.1"), ip("10.0.0.1")));
  EXPECT_THAT(
      parse_dhcp_servers("SERVER_ADDRESS=\nXSERVER_ADDRESS=1.1.1.1\nSERVER_ADDRESS=no"), IsEmpty());
}

TEST(DhcpServers, AreReadFromWhereverTheyAre) {
  test::TempDir root;
  EXPECT_THAT(read_dhcp_servers(root.path()), IsEmpty());
  const auto write = [&](const std::string& folder, const std::string& text) {
    std::filesystem::create_directories(root.path() / folder);
    std::ofstream(root.path() / folder / "2") << text;
  };
  write("run/systemd/netif/leases", "SERVER_ADDRESS=192.0.2.1\n");
  write("var/lib/dhcp", "option dhcp-server-identifier 192.0.2.9;\n");
  std::filesystem::create_directories(root.path() / "var/lib/dhcp/folder");
  EXPECT_THAT(
      read_dhcp_servers(root.path()), UnorderedElementsAre(ip("192.0.2.1"), ip("192.0.2.9")));
}

}  // namespace
}  // namespace aya::os
