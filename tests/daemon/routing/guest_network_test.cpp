// What an exit node opens, and what it keeps.
#include "daemon/routing/guest_network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/netaddr/prefix_table.h"

namespace aya::routing {
namespace {

using testing::ElementsAre;

Prefix range(const char* text) { return *Prefix::parse(text); }
IpAddress at(const char* text) { return *IpAddress::parse(text); }

class GuestNetwork : public testing::Test {
 protected:
  GuestNetwork() {
    self.addresses = {range("100.64.0.1/32"), range("fd7a:115c:a1e0::1/128")};
    self.allowed_ips = self.addresses;
    around.lans = {
        {range("192.0.2.0/24"), "wan", false},
        {range("2001:db8:1::/64"), "wan", false},
        {range("172.17.0.0/16"), "docker0", true},
        {range("0.0.0.0/1"), "evil", false}};
    around.own = {at("192.0.2.7"), at("192.168.1.1"), at("2001:db8:1::7"), at("172.17.0.1")};
  }
  bool reaches(const char* address) {
    PrefixTable<bool> table;
    for (const Prefix& prefix : reachable_through(self, around)) table.set(prefix, true);
    return table.find(at(address)) != nullptr;
  }
  control::Node self;
  Surroundings around;
};

TEST_F(GuestNetwork, SubnetsAreWhatTheyAre) {
  self.allowed_ips->push_back(range("192.0.2.0/24"));
  EXPECT_EQ(reachable_through(self, around), *self.allowed_ips);
  self.allowed_ips.reset();
  EXPECT_EQ(reachable_through(self, around), self.addresses);
}

TEST_F(GuestNetwork, TheInternetIsOpenAndWhatLiesAroundIsNot) {
  EXPECT_FALSE(reaches("198.51.100.1"));
  self.allowed_ips->push_back(range("0.0.0.0/0"));
  self.allowed_ips->push_back(range("::/0"));
  for (const char* open :
       {"198.51.100.1", "8.8.8.8", "1.1.1.1", "0.0.0.0", "192.0.1.255", "192.0.3.0",
        "223.255.255.255", "100.64.0.1", "100.63.255.255", "100.128.0.0", "2001:db8:1:1::1",
        "2001:4860::8", "fc00::1", "fd7a:115c:a1e0::1", "192.0.2.7", "2001:db8:1::7"}) {
    EXPECT_TRUE(reaches(open)) << open;
  }
  for (const char* shut :
       {"192.0.2.1", "192.0.2.255", "10.0.0.1", "172.16.0.1", "172.17.0.1", "172.31.255.255",
        "192.168.1.1", "169.254.169.254", "224.0.0.251", "239.255.255.250", "255.255.255.255",
        "127.0.0.1", "100.64.0.2", "2001:db8:1::1", "fe80::1", "ff02::1", "fd7a:115c:a1e0::2"}) {
    EXPECT_FALSE(reaches(shut)) << shut;
  }
}

TEST_F(GuestNetwork, ALanThatIsOfferedByNameIsOpen) {
  self.allowed_ips->push_back(range("0.0.0.0/0"));
  EXPECT_FALSE(reaches("192.168.1.9"));
  self.allowed_ips->push_back(range("192.168.1.0/24"));
  EXPECT_TRUE(reaches("192.168.1.9"));
  EXPECT_FALSE(reaches("192.168.2.9"));
}

TEST_F(GuestNetwork, OneFamilyOffersNothingOfTheOther) {
  self.allowed_ips = {range("0.0.0.0/0")};
  around = {};
  EXPECT_FALSE(reaches("2001:4860::8"));
  for (const Prefix& prefix : reachable_through(self, around)) {
    EXPECT_TRUE(prefix.address.is_v4() && prefix.is_canonical());
  }
}

}  // namespace
}  // namespace aya::routing
