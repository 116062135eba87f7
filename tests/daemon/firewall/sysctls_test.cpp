#include "daemon/firewall/sysctls.h"

#include <gtest/gtest.h>

#include <map>

namespace aya::firewall {
namespace {

using Changes = std::vector<SysctlChange>;

ReadSysctl reader(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const std::string& name) -> std::optional<std::string> {
    const auto found = values.find(name);
    if (found == values.end()) return std::nullopt;
    return found->second;
  };
}

TEST(Sysctls, ForwardingIsSwitchedOnOnlyWhereItIsOff) {
  EXPECT_EQ(
      to_forward_v4(reader({{"net/ipv4/ip_forward", "0"}})),
      (Changes{{"net/ipv4/ip_forward", "0", "1"}}));
  EXPECT_EQ(to_forward_v4(reader({{"net/ipv4/ip_forward", "1"}})), Changes{});
}

TEST(Sysctls, InterfacesThatListenToRoutersAreToldToGoOnFirst) {
  const auto read = reader({
      {"net/ipv6/conf/all/forwarding", "0"},
      {"net/ipv6/conf/default/accept_ra", "1"},
      {"net/ipv6/conf/default/forwarding", "0"},
      {"net/ipv6/conf/eth0/accept_ra", "1"},
      {"net/ipv6/conf/eth0/forwarding", "0"},
      {"net/ipv6/conf/eth1/accept_ra", "0"},  // a program does it there
      {"net/ipv6/conf/eth1/forwarding", "0"},
      {"net/ipv6/conf/br0/accept_ra", "1"},  // a router already, it does not listen
      {"net/ipv6/conf/br0/forwarding", "1"},
      {"net/ipv6/conf/lo/accept_ra", "1"},
      {"net/ipv6/conf/lo/forwarding", "0"},
  });
  EXPECT_EQ(
      to_forward_v6(read, {"all", "br0", "default", "eth0", "eth1", "lo"}),
      (Changes{
          {"net/ipv6/conf/default/accept_ra", "1", "2"},
          {"net/ipv6/conf/eth0/accept_ra", "1", "2"},
          {"net/ipv6/conf/all/forwarding", "0", "1"}}));
}

TEST(Sysctls, NothingToDoWhereIpv6ForwardsOrIsMissing) {
  EXPECT_EQ(to_forward_v6(reader({{"net/ipv6/conf/all/forwarding", "1"}}), {"eth0"}), Changes{});
  EXPECT_EQ(to_forward_v6(reader({}), {"eth0"}), Changes{});
}

TEST(Sysctls, TheRecordIsReadAsItWasWritten) {
  const Changes changes = {
      {"net/ipv6/conf/eth0.100/accept_ra", "1", "2"}, {"net/ipv6/conf/all/forwarding", "0", "1"}};
  EXPECT_EQ(decode_sysctl_changes(encode(changes)), changes);
}

TEST(Sysctls, ADamagedRecordChangesNothingThatWeNeverChange) {
  EXPECT_EQ(decode_sysctl_changes("kernel/core_pattern x y\n"), Changes{});
  EXPECT_EQ(decode_sysctl_changes("net/ipv6/conf/../../../x/accept_ra 1 2\n"), Changes{});
  EXPECT_EQ(decode_sysctl_changes("net/ipv4/ip_forward 0"), Changes{});
  EXPECT_EQ(decode_sysctl_changes("net/ipv4/ip_forward  1\n\n \n"), Changes{});
}

}  // namespace
}  // namespace aya::firewall
