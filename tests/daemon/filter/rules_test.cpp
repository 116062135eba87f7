#include <gtest/gtest.h>

#include "daemon/filter/address_set.h"
#include "daemon/filter/filter.h"

namespace aya::filter {
namespace {

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }

std::string covered(std::string_view first, std::string_view last) {
  std::string out;
  for (const Prefix& prefix : cover_range(ip(first), ip(last))) out += prefix.to_text() + " ";
  return out;
}

TEST(CoverRange, UsesTheFewestPrefixes) {
  EXPECT_EQ(covered("100.64.0.2", "100.64.0.9"), "100.64.0.2/31 100.64.0.4/30 100.64.0.8/31 ");
  EXPECT_EQ(covered("0.0.0.0", "255.255.255.255"), "0.0.0.0/0 ");
  EXPECT_EQ(covered("255.255.255.255", "255.255.255.255"), "255.255.255.255/32 ");
  EXPECT_EQ(covered("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), "::/0 ");
  EXPECT_EQ(covered("fd7a::1", "fd7a::2"), "fd7a::1/128 fd7a::2/128 ");
}

TEST(CoverRange, StaysSmallForTheWorstRange) {
  EXPECT_EQ(cover_range(ip("0.0.0.1"), ip("255.255.255.254")).size(), 62u);
  EXPECT_EQ(cover_range(ip("::1"), ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe")).size(), 254u);
}

control::FilterRule rule(
    std::vector<std::string> sources, std::string destination, std::uint16_t first,
    std::uint16_t last) {
  return {
      .src_ips = std::move(sources),
      .src_bits = {},
      .dst_ports = {{.ip = std::move(destination), .bits = {}, .ports = {first, last}}},
      .ip_proto = {},
      .cap_grants = {}};
}

PacketView tcp_syn(std::string_view from, std::string_view to, std::uint16_t port) {
  PacketView view;
  view.version = 4;
  view.protocol = kTcp;
  view.tcp_flags = 0x02;
  view.source = {ip(from), 40000};
  view.destination = {ip(to), port};
  return view;
}

TEST(CompiledRules, ASourceHasTheGrantsOfEveryPrefixThatCoversIt) {
  const std::vector rules = {
      rule({"*"}, "100.64.0.1", 1, 1),
      rule({"100.64.0.0/10"}, "100.64.0.1", 2, 2),
      rule({"100.64.0.2"}, "100.64.0.1", 3, 3),
      rule({"100.64.0.2", "100.64.0.0/10"}, "100.64.0.1", 4, 4),
  };
  const CompiledRules compiled = compile(rules, {});
  const auto open_ports = [&](std::string_view from) {
    std::string out;
    for (std::uint16_t port = 0; port < 6; ++port) {
      if (compiled.allows_port(tcp_syn(from, "100.64.0.1", port))) out += std::to_string(port);
    }
    return out;
  };
  EXPECT_EQ(open_ports("100.64.0.2"), "1234");
  EXPECT_EQ(open_ports("100.64.0.3"), "124");
  EXPECT_EQ(open_ports("8.8.8.8"), "1");
}

TEST(CompiledRules, ABadEntryIsReportedAndTheRestStands) {
  const std::vector rules = {
      rule({"100.64.0.2", "nonsense"}, "100.64.0.1", 22, 22),
      rule({"*"}, "100.64.0.1/8", 22, 22),
  };
  const CompiledRules compiled = compile(rules, {});
  ASSERT_EQ(compiled.problems().size(), 2u);
  EXPECT_EQ(compiled.problems()[0].rule, 0u);
  EXPECT_EQ(compiled.problems()[0].text, "source: invalid address \"nonsense\"");
  EXPECT_EQ(compiled.problems()[1].rule, 1u);
  EXPECT_FALSE(compiled.refused());
  EXPECT_TRUE(compiled.allows_port(tcp_syn("100.64.0.2", "100.64.0.1", 22)));
  EXPECT_FALSE(compiled.allows_port(tcp_syn("100.64.0.3", "100.64.0.1", 22)));
}

TEST(CompiledRules, ACapabilityNamesItsHolders) {
  const std::vector rules = {rule({"cap:printer"}, "*", 631, 631)};
  const CompiledRules compiled = compile(rules, {{"printer", {ip("100.64.0.7")}}});
  EXPECT_TRUE(compiled.uses_node_capabilities());
  EXPECT_TRUE(compiled.allows_port(tcp_syn("100.64.0.7", "100.64.0.1", 631)));
  EXPECT_FALSE(compiled.allows_port(tcp_syn("100.64.0.8", "100.64.0.1", 631)));
}

TEST(CompiledRules, TenThousandSourcesShareOneList) {
  std::vector<std::string> sources;
  for (std::uint32_t i = 0; i < 10000; ++i) {
    sources.push_back(IpAddress::v4(0x64400000 + i).to_text());
  }
  const std::vector rules = {rule(sources, "*", 22, 22), rule({"*"}, "*", 80, 80)};
  const CompiledRules compiled = compile(rules, {});
  EXPECT_TRUE(compiled.allows_port(tcp_syn("100.64.39.15", "100.64.0.1", 22)));
  EXPECT_FALSE(compiled.allows_port(tcp_syn("100.64.39.16", "100.64.0.1", 22)));
  EXPECT_TRUE(compiled.allows_port(tcp_syn("100.64.39.16", "100.64.0.1", 80)));
}

TEST(Filter, RefusesEverythingUntilItIsToldOtherwise) {
  Filter filter;
  Buffer syn(40);
  syn[0] = std::byte{0x45};
  syn[3] = std::byte{40};
  syn[9] = std::byte{kTcp};
  EXPECT_EQ(filter.in(syn).reason, Reason::DestinationNotOurs);
  EXPECT_EQ(filter.count(Reason::DestinationNotOurs), 1u);
}

}  // namespace
}  // namespace aya::filter
