#include "daemon/netcheck/own_endpoints.h"

#include <gtest/gtest.h>

namespace aya::netcheck {
namespace {

Endpoint at(std::string_view text) { return *Endpoint::parse(text); }
InterfaceAddress on(std::string name, std::string_view prefix) {
  return {std::move(name), *Prefix::parse(prefix)};
}
std::vector<std::string> texts(const std::vector<OwnEndpoint>& list) {
  std::vector<std::string> out;
  for (const OwnEndpoint& e : list) {
    out.push_back(std::to_string(static_cast<int>(e.type)) + " " + e.at.to_text());
  }
  return out;
}
using Texts = std::vector<std::string>;

constexpr TimePoint kNow = TimePoint(1h);

EndpointSources plain() {
  EndpointSources sources;
  sources.interfaces = {on("eth0", "192.168.1.2/24")};
  sources.port_v4 = sources.port_v6 = 41641;
  return sources;
}

Report seen(std::map<Endpoint, unsigned> v4) {
  Report report;
  if (!v4.empty()) report.global_v4 = v4.begin()->first;
  report.global_v4_seen = std::move(v4);
  return report;
}

TEST(OwnEndpoints, AreListedBestFirst) {
  OwnEndpoints own;
  EndpointSources sources = plain();
  sources.port_mapping = at("203.0.113.1:5000");
  sources.configured = {at("203.0.113.1:7000")};
  Report report = seen({{at("203.0.113.1:6000"), 1}});
  report.global_v6 = at("[2001:db8::2]:41641");
  EXPECT_EQ(
      texts(own.list(sources, report, kNow)),
      (Texts{
          "3 203.0.113.1:5000", "2 203.0.113.1:6000", "2 [2001:db8::2]:41641", "5 203.0.113.1:7000",
          "1 192.168.1.2:41641"}));
}

TEST(OwnEndpoints, FurtherPublicOnesNeedTwoServers) {
  OwnEndpoints own;
  const Report report =
      seen({{at("203.0.113.1:1"), 1}, {at("203.0.113.1:2"), 1}, {at("203.0.113.1:3"), 2}});
  EXPECT_EQ(
      texts(own.list(plain(), report, kNow)),
      (Texts{"2 203.0.113.1:1", "2 203.0.113.1:3", "1 192.168.1.2:41641"}));
}

TEST(OwnEndpoints, FixedPortIsTriedBehindAVaryingNat) {
  OwnEndpoints own;
  EndpointSources sources = plain();
  sources.port_is_fixed = true;
  Report report = seen({{at("203.0.113.1:999"), 1}});
  report.mapping_varies_by_dest_ip = true;
  EXPECT_EQ(
      texts(own.list(sources, report, kNow)),
      (Texts{"2 203.0.113.1:999", "4 203.0.113.1:41641", "1 192.168.1.2:41641"}));
}

TEST(OwnEndpoints, PublicOnesAreRememberedForFiveMinutes) {
  OwnEndpoints own;
  own.list(plain(), seen({{at("203.0.113.1:1"), 1}}), kNow);
  const Report now = seen({{at("203.0.113.1:2"), 1}});
  EXPECT_EQ(
      texts(own.list(plain(), now, kNow + OwnEndpoints::kRememberFor)),
      (Texts{"2 203.0.113.1:2", "2 203.0.113.1:1", "1 192.168.1.2:41641"}));
  EXPECT_EQ(own.list(plain(), now, kNow + OwnEndpoints::kRememberFor + 1s).size(), 2u);
  own.forget();
  EXPECT_EQ(own.list(plain(), {}, kNow).size(), 1u);
}

TEST(OwnEndpoints, RememberSixPerAddress) {
  OwnEndpoints own;
  for (std::uint16_t port = 1; port <= 20; ++port) {
    own.list(plain(), seen({{{*IpAddress::parse("203.0.113.1"), port}, 1}}), kNow);
  }
  const auto list = own.list(plain(), {}, kNow);
  ASSERT_EQ(list.size(), OwnEndpoints::kMaxPerAddress + 1);
  EXPECT_EQ(list.front().at.port, 20) << "the newest";
}

TEST(OwnEndpoints, InterfacesAreFiltered) {
  OwnEndpoints own;
  EndpointSources sources = plain();
  sources.interfaces = {on("lo", "127.0.0.1/8"),
                        on("eth0", "192.168.1.2/24"),
                        on("eth0", "fe80::1/64"),
                        on("tun0", "100.100.1.1/32"),
                        on("tun0", "fd7a:115c:a1e0::1/128"),
                        on("eth0", "2001:db8::1/64"),
                        on("eth0", "2001:db8::2/64"),
                        on("eth0", "2001:db8::3/64"),
                        on("eth0", "fd00::1/64"),
                        on("eth1", "169.254.1.1/16")};
  sources.interfaces.push_back({"down0", *Prefix::parse("10.0.0.1/8"), false});
  sources.interfaces.push_back({"zt0", *Prefix::parse("10.0.0.2/8"), true, false, true});
  EXPECT_EQ(
      texts(own.list(sources, {}, kNow)),
      (Texts{"1 192.168.1.2:41641", "1 [2001:db8::1]:41641", "1 [2001:db8::2]:41641"}));
  sources.interfaces = {on("lo", "127.0.0.1/8"), on("eth0", "fd00::1/64")};
  EXPECT_EQ(texts(own.list(sources, {}, kNow)), (Texts{"1 [fd00::1]:41641"}));
  sources.interfaces = {on("lo", "127.0.0.1/8")};
  EXPECT_EQ(texts(own.list(sources, {}, kNow)), (Texts{"1 127.0.0.1:41641"}));
}

TEST(OwnEndpoints, BoundSocketHasOneAddressAndUnboundFamilyNone) {
  OwnEndpoints own;
  EndpointSources sources = plain();
  sources.interfaces.push_back(on("eth0", "2001:db8::1/64"));
  sources.port_v6 = 0;
  EXPECT_EQ(texts(own.list(sources, {}, kNow)), (Texts{"1 192.168.1.2:41641"}));
  sources.bound_to = IpAddress::parse("10.9.9.9");
  EXPECT_EQ(texts(own.list(sources, {}, kNow)), (Texts{"1 10.9.9.9:41641"}));
}

TEST(OwnEndpoints, CompareAsSets) {
  const OwnEndpoint a{at("1.1.1.1:1"), EndpointType::Stun}, b{at("2.2.2.2:2"), EndpointType::Local};
  EXPECT_TRUE(same_set({a, b}, {b, a}));
  EXPECT_FALSE(same_set({a}, {a, b}));
}

}  // namespace
}  // namespace aya::netcheck
