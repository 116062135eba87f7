#include "proto/control/occupied_prefixes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace aya::control {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Hostinfo host_with(const std::string& json) {
  auto read = decode<Hostinfo>(R"({"Hostname":"a","OccupiedPrefixes":)" + json + "}");
  AYA_CHECK(read);
  return *std::move(read);
}

TEST(OccupiedPrefixes, TravelInHostinfoAndLeaveNoTrace) {
  Hostinfo host;
  const std::vector<Prefix> some = {
      *Prefix::parse("100.72.0.0/16"), *Prefix::parse("100.100.2.136/32")};
  set_occupied_prefixes(host, some);
  const auto read = decode<Hostinfo>(encode(host));
  ASSERT_TRUE(read);
  EXPECT_EQ(occupied_prefixes(*read), some);
  set_occupied_prefixes(host, {});
  EXPECT_EQ(host, Hostinfo{});
}

TEST(OccupiedPrefixes, WhatIsNoPartOfTheRangeIsLeftOut) {
  EXPECT_THAT(occupied_prefixes(Hostinfo{}), IsEmpty());
  EXPECT_THAT(
      occupied_prefixes(host_with(
          R"(["100.72.3.0/16", 7, "0.0.0.0/0", "100.0.0.0/8", "fd7a::/16", "10.0.0.0/8", "x", null])")),
      ElementsAre(*Prefix::parse("100.72.0.0/16")));
  for (const char* bad : {"null", "{}", "\"100.72.0.0/16\"", "[[]]"}) {
    EXPECT_THAT(occupied_prefixes(host_with(bad)), IsEmpty()) << bad;
  }
}

TEST(OccupiedPrefixes, OfVeryManySomeAreEnough) {
  std::string list;
  for (int i = 0; i < 100; ++i) list += ",\"100.64." + std::to_string(i) + ".0/24\"";
  EXPECT_EQ(occupied_prefixes(host_with("[" + list.substr(1) + "]")).size(), kOccupiedAtMost);
}

}  // namespace
}  // namespace aya::control
